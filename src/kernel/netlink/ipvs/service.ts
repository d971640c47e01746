/** Services and destinations of IPVS as the rest of Fairlead sees them, and as attributes. */
import { ipBytes, ipText, type IpAddress } from "../../../model/address.ts";
import { compact } from "../codec/compact.ts";
import { EncodeFailure } from "../codec/writer.ts";
import type {
  DestinationAttributes,
  IpvsForwarding,
  IpvsProtocol,
  IpvsServiceFlags,
  ServiceAttributes,
} from "./attributes.ts";

/** What a service is known by: address, port and protocol, or the mark that a rule gave the packet (0 is none). */
export type IpvsServiceKey =
  | { readonly address: IpAddress; readonly port: number; readonly protocol: IpvsProtocol }
  | { readonly family: "ip" | "ip6"; readonly mark: number };

/** Connections of one client go to one destination, until it has had none for so long. */
export interface IpvsPersistence {
  readonly timeoutSeconds: number;
  /**
   * Leading bits of the client's address that make it one client. Default: all.
   * An IPv4 mask with holes, which others may have set, comes as text.
   */
  readonly mask?: number | IpAddress;
}

/** What sh and mh heed: `fallback` to another destination where the chosen has weight 0, the source's `port` too. */
export type IpvsSchedulerFlag = "fallback" | "port" | "third";

export interface IpvsServiceOptions {
  /** "rr", "wrr", "lc", …: the kernel loads ip_vs_NAME if it can. "none" schedules nothing. At most 15 bytes. */
  readonly scheduler: string;
  readonly schedulerFlags?: readonly IpvsSchedulerFlag[];
  readonly persistence?: IpvsPersistence;
  /** UDP: each packet is scheduled by itself. */
  readonly onePacket?: boolean;
}

/** A virtual server. */
export interface IpvsService extends IpvsServiceOptions {
  readonly key: IpvsServiceKey;
}

export interface IpvsDestinationKey {
  readonly address: IpAddress;
  readonly port: number;
}

/** A real server. */
export interface IpvsDestination extends IpvsDestinationKey {
  readonly forwarding: IpvsForwarding;
  /** 0 to 2³¹-1; with 0 nothing new is scheduled to it, and what is there goes on. */
  readonly weight: number;
  /** Connections above which nothing new comes, until there are fewer than the lower one. Default 0: no bound. */
  readonly upperThreshold?: number;
  readonly lowerThreshold?: number;
}

/** Since it was made, or its counters were zeroed, as of the last two seconds: the kernel sums them up so often (ip_vs_est.c). */
export interface IpvsCounters {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
}

/** A service as the kernel lists it. */
export interface ListedIpvsService extends IpvsService {
  readonly counters: IpvsCounters;
}

/** A destination as the kernel lists it. */
export interface ListedIpvsDestination extends IpvsDestination {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly counters: IpvsCounters;
}

/** A service with its destinations, both in the kernel's order, which is none. */
export interface IpvsServiceWithDestinations extends ListedIpvsService {
  readonly destinations: readonly ListedIpvsDestination[];
}

/** How long a connection without packets is kept, in seconds. */
export interface IpvsTimeouts {
  readonly tcpSeconds: number;
  readonly tcpFinSeconds: number;
  readonly udpSeconds: number;
}

export function familyOfKey(key: IpvsServiceKey): "ip" | "ip6" {
  return "mark" in key ? key.family : familyOfAddress(key.address);
}

export function familyOfAddress(address: IpAddress): "ip" | "ip6" {
  return address.includes(":") ? "ip6" : "ip";
}

/** "tcp 10.96.0.1:443", "mark 5 of ip6": the same for the same service, and fit to be read. */
export function serviceName(key: IpvsServiceKey): string {
  if ("mark" in key) return `mark ${key.mark} of ${key.family}`;
  return `${key.protocol} ${destinationName(key)}`;
}

/** "10.244.1.7:8080", "[fd00::7]:8080" */
export function destinationName({ address, port }: IpvsDestinationKey): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Attributes that name a service; in the order that they are written in, as all here: a cluster has many. */
export function keyAttributes(key: IpvsServiceKey): ServiceAttributes {
  if ("mark" in key) return { family: key.family, mark: key.mark };
  const { address, port, protocol } = key;
  return { family: familyOfAddress(address), protocol, address, port };
}

/** All attributes of a service, as NEW_SERVICE and SET_SERVICE want them. */
export function attributesOfService(service: IpvsService): ServiceAttributes {
  const { key, scheduler, persistence } = service;
  return {
    ...keyAttributes(key),
    scheduler,
    flags: { set: flagsOf(service), mask: 0xffffffff },
    timeoutSeconds: persistence?.timeoutSeconds ?? 0,
    netmask: netmaskBytes(familyOfKey(key), persistence?.mask),
  };
}

function flagsOf({ persistence, onePacket, schedulerFlags = [] }: IpvsService): IpvsServiceFlags {
  return [
    ...(persistence ? (["persistent"] as const) : []),
    ...(onePacket ? (["onePacket"] as const) : []),
    ...schedulerFlags,
  ];
}

/** Attributes that name a destination. The family is told: without it an older service's is taken. */
export function destinationKeyAttributes({ address, port }: IpvsDestinationKey): DestinationAttributes {
  return { address, port, family: familyOfAddress(address) };
}

export function attributesOfDestination(destination: IpvsDestination): DestinationAttributes {
  const { address, port, forwarding, weight, upperThreshold = 0, lowerThreshold = 0 } = destination;
  return { address, port, forwarding, weight, upperThreshold, lowerThreshold, family: familyOfAddress(address) };
}

/** What the kernel says of a service; undefined where that names none. */
export function serviceOf(found: ServiceAttributes): ListedIpvsService | undefined {
  const key = keyOf(found);
  if (!key) return undefined;
  const set = found.flags?.set ?? [];
  const schedulerFlags = (["fallback", "port", "third"] as const).filter((name) => set.includes(name));
  return compact<ListedIpvsService>({
    key,
    scheduler: found.scheduler ?? "none",
    schedulerFlags: schedulerFlags.length === 0 ? undefined : schedulerFlags,
    persistence: set.includes("persistent") ? persistenceOf(familyOfKey(key), found) : undefined,
    onePacket: set.includes("onePacket") ? true : undefined,
    counters: countersOf(found.counters),
  });
}

function keyOf({ family, protocol, address, port, mark }: ServiceAttributes): IpvsServiceKey | undefined {
  if (family !== "ip" && family !== "ip6") return undefined;
  if (mark !== undefined) return { family, mark };
  const text = address && addressText(family, address);
  if (text === undefined || protocol === undefined || port === undefined) return undefined;
  return { address: text, port, protocol };
}

/** @param family of the service: kernels before 3.18 do not tell the destination's */
export function destinationOf(found: DestinationAttributes, family: "ip" | "ip6"): ListedIpvsDestination | undefined {
  const own = found.family === "ip" || found.family === "ip6" ? found.family : family;
  const address = found.address && addressText(own, found.address);
  if (address === undefined || found.port === undefined) return undefined;
  return compact<ListedIpvsDestination>({
    address,
    port: found.port,
    forwarding: found.forwarding ?? "masq",
    weight: found.weight ?? 0,
    upperThreshold: found.upperThreshold || undefined,
    lowerThreshold: found.lowerThreshold || undefined,
    activeConnections: found.activeConnections ?? 0,
    inactiveConnections: found.inactiveConnections ?? 0,
    persistentConnections: found.persistentConnections ?? 0,
    counters: countersOf(found.counters),
  });
}

function countersOf(found: ServiceAttributes["counters"] = {}): IpvsCounters {
  const { connections = 0n, packetsIn = 0n, packetsOut = 0n, bytesIn = 0n, bytesOut = 0n } = found;
  return { connections, packetsIn, packetsOut, bytesIn, bytesOut };
}

function addressText(family: "ip" | "ip6", address: Uint8Array | IpAddress): IpAddress | undefined {
  if (typeof address === "string") return address;
  if (family === "ip") return ipText(address.subarray(0, 4));
  return address.length === 16 ? ipText(address) : undefined;
}

function persistenceOf(family: "ip" | "ip6", { timeoutSeconds = 0, netmask }: ServiceAttributes): IpvsPersistence {
  const mask = netmask && maskOf(family, netmask);
  return compact<IpvsPersistence>({ timeoutSeconds, mask: mask === wholeAddress[family] ? undefined : mask });
}

const wholeAddress = { ip: 32, ip6: 128 } as const;

const allBits = { ip: Buffer.from("ffffffff", "hex"), ip6: Buffer.from("80000000", "hex") } as const;

/** @throws EncodeFailure for bits that no address of the family has */
function netmaskBytes(family: "ip" | "ip6", mask: number | IpAddress = wholeAddress[family]): Uint8Array {
  if (mask === wholeAddress[family]) return allBits[family];
  const bytes = typeof mask === "string" ? ipBytes(mask) : bitsOf(family, mask);
  if (!bytes) throw new EncodeFailure(`${mask} is neither a mask nor a number of bits of this family`);
  return bytes;
}

function bitsOf(family: "ip" | "ip6", bits: number): Uint8Array | undefined {
  if (!Number.isInteger(bits) || bits < 0 || bits > wholeAddress[family]) return undefined;
  const bytes = Buffer.alloc(4);
  if (family === "ip6") bytes.writeUInt32LE(bits);
  else bytes.writeUInt32BE(bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0);
  return bytes;
}

function maskOf(family: "ip" | "ip6", netmask: Uint8Array): number | IpAddress | undefined {
  const view = Buffer.from(netmask.buffer, netmask.byteOffset, netmask.byteLength);
  if (family === "ip6") return view.readUInt32LE();
  const bits = Math.clz32(~view.readUInt32BE());
  return Buffer.compare(netmaskBytes("ip", bits), view) === 0 ? bits : ipText(netmask);
}
