/** Results of ADD in the form of each version of the specification ⇄ the newest form. Pure. */
import { ipText, ipBytes, parseIp, type IpAddress } from "../src/model/address.ts";
import type { CniVersion, Dns, IpPrefix, Result, ResultInterface, ResultIp, Route } from "./plugin.ts";

/** @throws TypeError that says which field is wrong */
export function readResult(value: unknown): Result {
  const { interfaces, ips, routes, dns } = record(value, "prevResult");
  const result = {
    interfaces: list(interfaces, "interfaces", readInterface),
    ips: list(ips, "ips", readIp),
    routes: list(routes, "routes", readRoute),
    dns: readDns(dns, "prevResult.dns"),
  };
  for (const { interface: index } of result.ips) {
    if (index === undefined || index < result.interfaces.length) continue;
    throw new TypeError(`prevResult.ips: interface ${index} is not in prevResult.interfaces`);
  }
  return result;
}

function readInterface(value: unknown, at: string): ResultInterface {
  const fields = record(value, at);
  const name = string(fields["name"], `${at}.name`);
  if (name === undefined) throw new TypeError(`${at}.name is missing`);
  return {
    name,
    ...present({
      mac: string(fields["mac"], `${at}.mac`),
      mtu: integer(fields["mtu"], `${at}.mtu`),
      sandbox: string(fields["sandbox"], `${at}.sandbox`),
      socketPath: string(fields["socketPath"], `${at}.socketPath`),
      pciID: string(fields["pciID"], `${at}.pciID`),
    }),
  };
}

/** Until 0.4.0 `version` told the family, "4" or "6"; the address tells it as well. */
function readIp(value: unknown, at: string): ResultIp {
  const fields = record(value, at);
  string(fields["version"], `${at}.version`);
  return {
    ...prefix(fields["address"], `${at}.address`),
    ...present({
      gateway: address(fields["gateway"], `${at}.gateway`),
      interface: integer(fields["interface"], `${at}.interface`),
    }),
  };
}

function readRoute(value: unknown, at: string): Route {
  const fields = record(value, at);
  const number = (name: string): number | undefined => integer(fields[name], `${at}.${name}`);
  return {
    dst: prefix(fields["dst"], `${at}.dst`),
    ...present({
      gw: address(fields["gw"], `${at}.gw`),
      mtu: number("mtu"),
      advmss: number("advmss"),
      priority: number("priority"),
      table: number("table"),
      scope: number("scope"),
    }),
  };
}

function readDns(value: unknown, at: string): Dns {
  if (value === undefined || value === null) return {};
  const fields = record(value, at);
  const texts = (name: string): string[] | undefined => {
    const found = list(fields[name], `${at}.${name}`, (item, where) => string(item, where) ?? "");
    return found.length > 0 ? found : undefined;
  };
  return present({
    nameservers: texts("nameservers"),
    domain: string(fields["domain"], `${at}.domain`),
    search: texts("search"),
    options: texts("options"),
  });
}

// ── The form of a version ─────────────────────────────────────────────────────────────────────────────────────

/** What ADD prints. Fields that the version does not have are left out. */
export function renderResult(result: Result, version: CniVersion): Record<string, unknown> {
  const newest = version === "1.1.0";
  const familyTold = version === "0.3.1" || version === "0.4.0";
  const { dns } = result;
  return {
    cniVersion: version,
    ...some(
      "interfaces",
      result.interfaces.map((link) => renderInterface(link, newest)),
    ),
    ...some(
      "ips",
      result.ips.map((ip) => renderIp(ip, familyTold)),
    ),
    ...some(
      "routes",
      result.routes.map((route) => renderRoute(route, newest)),
    ),
    ...(Object.keys(dns).length > 0 ? { dns } : {}),
  };
}

function some(name: string, values: readonly unknown[]): Record<string, unknown> {
  return values.length > 0 ? { [name]: values } : {};
}

function renderInterface({ name, mac, sandbox, mtu, socketPath, pciID }: ResultInterface, newest: boolean) {
  return present({ name, mac, sandbox, ...(newest ? { mtu, socketPath, pciID } : {}) });
}

function renderIp(ip: ResultIp, familyTold: boolean) {
  return present({
    version: familyTold ? (ip.address.includes(":") ? "6" : "4") : undefined,
    address: prefixText(ip),
    gateway: ip.gateway,
    interface: ip.interface,
  });
}

function renderRoute({ dst, gw, mtu, advmss, priority, table, scope }: Route, newest: boolean) {
  return present({ dst: prefixText(dst), gw, ...(newest ? { mtu, advmss, priority, table, scope } : {}) });
}

// ── Kinds of values ───────────────────────────────────────────────────────────────────────────────────────────

export function prefixText({ address: ip, prefixLength }: IpPrefix): string {
  return `${ip}/${prefixLength}`;
}

/** "10.1.0.5/16"; undefined for anything else. */
export function parsePrefix(text: string): IpPrefix | undefined {
  const [ip = "", length = "", ...rest] = text.split("/");
  const bytes = ipBytes(ip);
  if (!bytes || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > bytes.length * 8) {
    return undefined;
  }
  return { address: ipText(bytes)!, prefixLength: Number(length) };
}

function prefix(value: unknown, at: string): IpPrefix {
  const parsed = parsePrefix(string(value, at) ?? "");
  if (!parsed) throw new TypeError(`${at} is not an address with its prefix length`);
  return parsed;
}

function address(value: unknown, at: string): IpAddress | undefined {
  const text = string(value, at);
  // Go prints a nil address as "".
  if (text === undefined || text === "") return undefined;
  const parsed = parseIp(text);
  if (!parsed) throw new TypeError(`${at} is not an address`);
  return parsed;
}

function string(value: unknown, at: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new TypeError(`${at} is not a string`);
  return value;
}

function integer(value: unknown, at: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError(`${at} is not a whole number`);
  return value as number;
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TypeError(`${at} is not an object`);
}

function list<T>(value: unknown, name: string, read: (item: unknown, at: string) => T): T[] {
  const at = name.includes(".") ? name : `prevResult.${name}`;
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TypeError(`${at} is not a list`);
  return value.map((item, i) => read(item, `${at}[${i}]`));
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(
  fields: T,
): Present<T> & { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
