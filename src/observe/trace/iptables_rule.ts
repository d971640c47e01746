/** One rule of iptables, as iptables-save prints it, and a connection's first packet. What is not known fails. */
import { FairleadError } from "../../errors/catalogue.ts";
import { parseIp, type IpAddress } from "../../model/address.ts";
import { holds, parseCidr } from "../../model/cidr.ts";
import { protocolNumbers, type Protocol } from "../../model/service.ts";
import type { NodeFacts, Way } from "./packet.ts";

export interface Target {
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
}

export interface Match {
  /** How likely it is that the rule is the packet's: 0, 1, or what is drawn. */
  readonly probability: number;
  /** Names of lists that remember the source from here on. */
  readonly remembers: readonly string[];
  readonly target: Target | undefined;
}

interface Option {
  readonly name: string;
  readonly value: string;
  readonly isNot: boolean;
}

/** "! -s 10.0.0.0/8 -m comment --comment "a b" -j X" → options with their values. */
function optionsOf(rule: string): readonly Option[] {
  const tokens = Array.from(rule.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain!);
  const options: Option[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const isNot = tokens[i] === "!";
    const name = tokens[isNot ? ++i : i]!;
    const values: string[] = [];
    for (let next = tokens[i + 1]; next !== undefined && isValue(next); next = tokens[i + 1]) values.push(tokens[++i]!);
    options.push({ name, value: values.join(" "), isNot });
  }
  return options;
}

function isValue(token: string): boolean {
  return !token.startsWith("-") && token !== "!";
}

export function matchRule(rule: string, way: Way, node: NodeFacts): Match {
  const options = optionsOf(rule);
  const jump = options.findIndex(({ name }) => name === "-j" || name === "-g");
  const matches = jump < 0 ? options : options.slice(0, jump);
  const remembers: string[] = [];
  let probability = 1;
  const recent = matches.find(({ name }) => name === "--name")?.value ?? "";
  for (const option of matches) {
    if (option.name === "--probability") probability *= Number(option.value);
    else if (option.name === "--set") remembers.push(recent);
    else if (isMet(option, way, node) === option.isNot) return { probability: 0, remembers: [], target: undefined };
  }
  return { probability, remembers, target: jump < 0 ? undefined : targetOf(options.slice(jump)) };
}

function targetOf([jump, ...rest]: readonly Option[]): Target {
  if (jump!.name === "-g") throw unknown("option -g");
  return { name: jump!.value, options: new Map(rest.map(({ name, value }) => [name, value])) };
}

const silent = new Set(["--comment", "--mode", "--seconds", "--reap", "--name", "--mask", "--rsource"]);
const modules = new Set([
  "comment",
  "tcp",
  "udp",
  "sctp",
  "addrtype",
  "mark",
  "conntrack",
  "statistic",
  "recent",
  "set",
]);

function isMet({ name, value }: Option, way: Way, node: NodeFacts): boolean {
  const { packet, mark } = way;
  if (silent.has(name)) return true;
  switch (name) {
    case "-m":
      if (!modules.has(value)) throw unknown(`match ${value}`);
      return true;
    case "-p":
      return protocolNumbers[value.toUpperCase() as Protocol] === packet.protocol;
    case "-s":
      return isIn(packet.source, value);
    case "-d":
      return isIn(packet.destination, value);
    case "-i":
      return isLink(packet.inInterface, value);
    case "--dport":
      return packet.destinationPort === Number(value);
    case "--dst-type":
      return isType(value, packet.destination, node);
    case "--src-type":
      return isType(value, packet.source, node);
    case "--mark": {
      const [wanted, mask] = numbers(value);
      return (mark & mask) >>> 0 === wanted;
    }
    case "--match-set": {
      const [set = "", fields = ""] = value.split(" ");
      if (!node.isInSet) throw unknown(`set ${set}`);
      return node.isInSet(set, fields.split(","), packet);
    }
    case "--ctstate":
      return value.split(",").some((state) => state === "NEW" || (state === "DNAT" && way.translated));
    // A client that nobody has seen before.
    case "--rcheck":
      return false;
    default:
      throw unknown(`option ${name}`);
  }
}

function isIn(address: IpAddress, range: string): boolean {
  const cidr = parseCidr(range.includes("/") ? range : `${range}/${range.includes(":") ? 128 : 32}`);
  if (!cidr) throw unknown(`range ${range}`);
  return holds(cidr, address);
}

function isLink(link: string | undefined, pattern: string): boolean {
  if (link === undefined) return false;
  return pattern.endsWith("+") ? link.startsWith(pattern.slice(0, -1)) : link === pattern;
}

function isType(type: string, address: IpAddress, node: NodeFacts): boolean {
  if (type !== "LOCAL") throw unknown(`type of address ${type}`);
  return node.isLocal(address);
}

/** "0x4000/0x4000" */
export function numbers(text: string): readonly [number, number] {
  const [value, mask = "0xffffffff"] = text.split("/");
  return [Number(value) >>> 0, Number(mask) >>> 0];
}

/** "10.0.0.1:80", "[fd00::1]:80" */
export function destinationOf(text: string): { readonly address: IpAddress; readonly port: number } {
  const [, address, port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(text) ?? [];
  const parsed = parseIp(address ?? "");
  if (!parsed) throw unknown(`destination ${text}`);
  return { address: parsed, port: Number(port) };
}

export function unknown(what: string): FairleadError {
  return new FairleadError("TRACE", { subject: what, reason: "its effect is not known" });
}
