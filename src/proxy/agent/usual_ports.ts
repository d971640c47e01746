/**
 * What a usual Service with usual slices wants, straight from their texts (usual.ts): the same as deriveService makes of
 * the objects, without making those. A start derives ten thousand of them. Pure.
 */
import type { IpAddress } from "../../model/address.ts";
import { ipv4Number } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";
import { Backends } from "../derive/backends.ts";
import type { WantedPort } from "../derive/derive.ts";
import { clusterFrontend, type Target } from "../derive/frontends.ts";
import { isPlainIpv4 } from "../derive/problems.ts";
import { localMark } from "./usual.ts";

export interface UsualTexts {
  /** The Service's, "namespace/name". */
  readonly key: string;
  readonly service: string;
  readonly slices: readonly string[];
}

type Ports = ReadonlyMap<string, WantedPort>;
const nothing: Ports = new Map();
const noAddresses: readonly never[] = [];

/** @returns undefined for what is not as usual after all: IPv6, or anything that somebody must be told of */
export function usualPorts(texts: UsualTexts, family: IpFamily, masqueradeAll: boolean): Ports | undefined {
  const space = texts.service.indexOf(" ");
  const ip = texts.service.slice(0, space);
  if (!isPlainIpv4(ip) || texts.slices.length > 1) return undefined;
  if (family === "IPv6") return nothing;
  const endpoints = texts.slices.length === 0 ? none : endpointsOf(texts.slices[0]!);
  if (endpoints === undefined) return undefined;
  const ports = texts.service.slice(space + 1).split(",");
  const wanted = new Map<string, WantedPort>();
  const numbers = new Set<number>();
  for (const text of ports) {
    const { number, called } = portOf(text);
    const service = called === "" ? texts.key : [texts.key, called].join(":");
    const name = `${service}/TCP`;
    if (!isPort(number) || numbers.has(number) || wanted.has(name)) return undefined;
    numbers.add(number);
    const backendPort = endpoints.ports.get(called);
    const row = backendPort === undefined ? "" : rowOf(endpoints.addresses, backendPort);
    const frontend = clusterFrontend(service, ip, number, targetOf(row, masqueradeAll));
    const localBackends = row === "" ? noAddresses : endpoints.local;
    wanted.set(name, { frontends: [frontend], localBackends, serving: noAddresses });
  }
  return wanted;
}

function targetOf(row: string, masqueradeAll: boolean): Target {
  if (row === "") return reject;
  const backends = Backends.ofRow("IPv4", row);
  return { action: "balance", backends, masquerade: masqueradeAll ? "always" : "off-cluster" };
}

const reject: Target = { action: "reject" };

interface Endpoints {
  /** By name. */
  readonly ports: ReadonlyMap<string, number>;
  /** In their order. */
  readonly addresses: readonly string[];
  /** Those of this node. */
  readonly local: readonly IpAddress[];
}

const none: Endpoints = { ports: new Map(), addresses: noAddresses, local: noAddresses };

/** @returns undefined where a port or an address is none, or stands there twice */
function endpointsOf(slice: string): Endpoints | undefined {
  const [kind, portTexts = "", addressTexts = ""] = slice.split(" ");
  if (kind !== "IPv4") return undefined;
  const ports = new Map<string, number>();
  for (const text of portTexts.split(",")) {
    const { number, called } = portOf(text);
    if (!isPort(number) || ports.has(called)) return undefined;
    ports.set(called, number);
  }
  const addresses = addressTexts === "" ? [] : addressTexts.split(",");
  const local: IpAddress[] = [];
  for (let i = 0; i < addresses.length; i++) {
    const text = addresses[i]!;
    const isLocal = text.startsWith(localMark);
    const ip = isLocal ? text.slice(localMark.length) : text;
    if (!isPlainIpv4(ip)) return undefined;
    if (isLocal) local.push((addresses[i] = ip));
  }
  addresses.sort();
  for (let i = 1; i < addresses.length; i++) if (addresses[i] === addresses[i - 1]) return undefined;
  return { ports, addresses, local: local.sort() };
}

/** Backends.row of all of them. */
function rowOf(addresses: readonly string[], port: number): string {
  const codes: number[] = [];
  for (const address of addresses) {
    const number = ipv4Number(address)!;
    codes.push(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255, port >>> 8, port & 255, 0, 0);
  }
  return codes.length <= atOnce ? String.fromCharCode(...codes) : Buffer.from(codes).toString("latin1");
}

/** Arguments of a call. */
const atOnce = 1024;

function portOf(text: string): { readonly number: number; readonly called: string } {
  const slash = text.indexOf("/");
  if (slash < 0) return { number: Number(text), called: "" };
  return { number: Number(text.slice(0, slash)), called: text.slice(slash + 1) };
}

function isPort(number: number): boolean {
  return number >= 1 && number <= 65_535;
}
