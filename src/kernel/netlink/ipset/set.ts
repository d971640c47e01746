/** Sets as the rest of Fairlead sees them, and what a list of the kernel says of them. */
import { FairleadError } from "../../../errors/catalogue.ts";
import { compact } from "../codec/compact.ts";
import type { ElementAttributes, HeaderAttributes, SetMessage } from "./attributes.ts";

export type HashType =
  "hash:ip" | "hash:net" | "hash:net,port" | "hash:ip,port" | "hash:ip,port,ip" | "hash:ip,port,net" | "hash:net,iface";

/** What any set may have. */
interface Extensions {
  /** Elements vanish after so many seconds unless they say otherwise; 0 keeps them, and lets some vanish. */
  readonly timeoutSeconds?: number;
  readonly counters?: boolean;
  readonly comment?: boolean;
}

export interface HashDefinition extends Extensions {
  readonly type: HashType;
  readonly family: "ip" | "ip6";
  /** Buckets to start with; the kernel takes the next power of two, and grows it. Default 1024. */
  readonly hashSize?: number;
  /** Default 65536. */
  readonly maxElements?: number;
  /** Elements in a bucket before it grows, even, 2 to 14. Linux 5.14. */
  readonly bucketSize?: number;
  /** hash:ip: addresses are cut to this many bits. */
  readonly netmask?: number;
  /** A full set drops an element for a new one. */
  readonly forceAdd?: boolean;
}

export interface BitmapPortDefinition extends Extensions {
  readonly type: "bitmap:port";
  readonly portFrom: number;
  readonly portTo: number;
}

export interface ListDefinition extends Extensions {
  readonly type: "list:set";
  /** Most sets that it holds. Default 8. */
  readonly size?: number;
}

export type IpsetDefinition = HashDefinition | BitmapPortDefinition | ListDefinition;
export type IpsetType = IpsetDefinition["type"];

/** One element; fields as its set's type names them, in that order: hash:ip,port,net has ip, port, ip2 and cidr2. */
export type IpsetElement = Readonly<Omit<ElementAttributes, "line">>;

/** A set as the kernel lists it. */
export interface Ipset {
  readonly name: string;
  /** The definition with all that the kernel chose; of another type than ours only its name. */
  readonly definition: IpsetDefinition | { readonly type: "other"; readonly name: string };
  readonly revision: number;
  /** Protocol 7. */
  readonly index?: number;
  /** Rules and lists that use it. */
  readonly references: number;
  readonly memoryBytes: number;
  /** Absent with kernels that do not count (before 4.11). */
  readonly elementCount?: number;
  readonly elements: readonly IpsetElement[];
}

/** The definition's attributes in a create request. */
export function headerOf(definition: IpsetDefinition): HeaderAttributes {
  const { timeoutSeconds } = definition;
  return compact<HeaderAttributes>({ timeoutSeconds, flags: flagsOf(definition), ...specificHeader(definition) });
}

function specificHeader(definition: IpsetDefinition): HeaderAttributes {
  switch (definition.type) {
    case "bitmap:port":
      return { portFrom: definition.portFrom, portTo: definition.portTo };
    case "list:set":
      return definition.size === undefined ? {} : { size: definition.size };
    default: {
      const { hashSize, maxElements, bucketSize, netmask } = definition;
      return compact<HeaderAttributes>({ hashSize, maxElements, bucketSize, netmask });
    }
  }
}

function flagsOf(definition: IpsetDefinition): HeaderAttributes["flags"] {
  const forceAdd = "forceAdd" in definition && definition.forceAdd;
  const flags = [
    ...(definition.counters ? (["withCounters"] as const) : []),
    ...(definition.comment ? (["withComment"] as const) : []),
    ...(forceAdd ? (["withForceAdd"] as const) : []),
  ];
  return flags.length === 0 ? undefined : flags;
}

/** The family that the request names: types that hold no addresses have none. */
export function familyOf(definition: IpsetDefinition): "ip" | "ip6" | "unspec" {
  return "family" in definition ? definition.family : "unspec";
}

/**
 * Sets from the messages of a list: the first of a set bears its header, those that follow more
 * elements.
 *
 * @throws FairleadError NETLINK_DECODE when elements come without a header
 */
export function setsOf(messages: Iterable<SetMessage>): Ipset[] {
  const sets = new Map<string, Ipset & { elements: IpsetElement[] }>();
  for (const message of messages) {
    const name = message.name ?? "";
    if (message.typeName !== undefined) sets.set(name, startOf(message, name, message.typeName));
    const set = sets.get(name);
    if (!set) throw new FairleadError("NETLINK_DECODE", { subject: `set ${name}`, reason: "its header is missing" });
    for (const element of message.elements ?? []) set.elements.push(element);
  }
  return [...sets.values()];
}

function startOf(message: SetMessage, name: string, typeName: string): Ipset & { elements: IpsetElement[] } {
  const header = message.header ?? {};
  return {
    ...compact<Omit<Ipset, "elements">>({
      name,
      definition: definitionOf(typeName, message.setFamily, header),
      revision: message.revision ?? 0,
      index: message.index,
      references: header.references ?? 0,
      memoryBytes: header.memoryBytes ?? 0,
      elementCount: header.elementCount,
    }),
    elements: [],
  };
}

function definitionOf(type: string, family: SetMessage["setFamily"], header: HeaderAttributes): Ipset["definition"] {
  const extensions = extensionsOf(header);
  if (type === "list:set") return compact<ListDefinition>({ type, size: header.size, ...extensions });
  if (type === "bitmap:port") {
    return { type, portFrom: header.portFrom ?? 0, portTo: header.portTo ?? 0, ...extensions };
  }
  if (!isHashType(type)) return { type: "other", name: type };
  return compact<HashDefinition>({
    type,
    family: family === "ip6" ? "ip6" : "ip",
    hashSize: header.hashSize,
    maxElements: header.maxElements,
    bucketSize: header.bucketSize,
    netmask: header.netmask,
    forceAdd: has(header, "withForceAdd"),
    ...extensions,
  });
}

function extensionsOf(header: HeaderAttributes): Extensions {
  return compact<Extensions>({
    timeoutSeconds: header.timeoutSeconds,
    counters: has(header, "withCounters"),
    comment: has(header, "withComment"),
  });
}

function has(header: HeaderAttributes, flag: NonNullable<HeaderAttributes["flags"]>[number]): true | undefined {
  return header.flags?.includes(flag) ? true : undefined;
}

const hashTypes: Readonly<Record<HashType, true>> = {
  "hash:ip": true,
  "hash:net": true,
  "hash:net,port": true,
  "hash:ip,port": true,
  "hash:ip,port,ip": true,
  "hash:ip,port,net": true,
  "hash:net,iface": true,
};

function isHashType(type: string): type is HashType {
  return Object.hasOwn(hashTypes, type);
}
