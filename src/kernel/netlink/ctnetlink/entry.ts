/** Conntrack entries as the rest of Fairlead sees them, and their form in messages. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { IpAddress } from "../../../model/address.ts";
import { compact } from "../codec/compact.ts";
import type { IpProtocol } from "../nfnetlink.ts";
import type { ConntrackMessage, ConntrackStatus, Counters, ProtocolInfo, TupleAttributes } from "./attributes.ts";

export type ConntrackFamily = "ip" | "ip6";

/** One direction of a connection. */
export interface ConntrackTuple {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: IpProtocol;
  /** Ports of tcp, udp, udplite, sctp, dccp; the keys of gre. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Of icmp and icmpv6. */
  readonly icmp?: { readonly id: number; readonly type: number; readonly code: number };
  /** Where the entry's zone holds for this direction only. */
  readonly zone?: number;
}

/** What the kernel tells of a connection. Events carry fewer fields than a list does. */
export interface ConntrackEntry {
  readonly family: ConntrackFamily;
  readonly original: ConntrackTuple;
  /** Packets of the other direction; it mirrors `original` unless there is NAT. */
  readonly reply: ConntrackTuple;
  /** 0 is the default zone. */
  readonly zone: number;
  /** 0 where none was set. */
  readonly mark: number;
  /** Tells an entry from a later one of the same tuples. */
  readonly id?: number;
  readonly status?: ConntrackStatus;
  /** Seconds that are left. */
  readonly timeoutSeconds?: number;
  readonly protoinfo?: ProtocolInfo;
  /** Present with net.netfilter.nf_conntrack_acct = 1. */
  readonly counters?: { readonly original: Counters; readonly reply: Counters };
  /** Nanoseconds since 1970; present with net.netfilter.nf_conntrack_timestamp = 1. */
  readonly timestamp?: { readonly start?: bigint; readonly stop?: bigint };
  /** References that the kernel holds. */
  readonly use?: number;
  /** 128 bits, lowest first. */
  readonly labels?: Uint8Array;
  /** Name of the helper ("ftp"). */
  readonly helper?: string;
  /** The connection that this one was expected by. */
  readonly master?: ConntrackTuple;
}

/** @throws FairleadError NETLINK_DECODE when the message has no tuples */
export function entryOf(message: ConntrackMessage): ConntrackEntry {
  const { countersOriginal, countersReply } = message;
  return compact<ConntrackEntry>({
    family: familyOf(message),
    original: tupleOf(message.original, "original"),
    reply: tupleOf(message.reply, "reply"),
    zone: message.zone ?? 0,
    mark: message.mark ?? 0,
    id: message.id,
    status: message.status,
    timeoutSeconds: message.timeout,
    protoinfo: message.protoinfo,
    counters: countersOriginal && countersReply && { original: countersOriginal, reply: countersReply },
    timestamp: message.timestamp,
    use: message.use,
    labels: message.labels,
    helper: message.helper?.name,
    master: message.master && tupleOf(message.master, "master"),
  });
}

function familyOf(message: ConntrackMessage): ConntrackFamily {
  if (message.family === "ip" || message.family === "ip6") return message.family;
  throw malformed("family", `"${message.family}" is no family that conntrack has`);
}

function tupleOf(tuple: TupleAttributes | undefined, field: string): ConntrackTuple {
  const source = tuple?.ip?.v4Source ?? tuple?.ip?.v6Source;
  const destination = tuple?.ip?.v4Destination ?? tuple?.ip?.v6Destination;
  const proto = tuple?.proto;
  if (!source || !destination || proto?.number === undefined) throw malformed(field, "addresses or protocol missing");
  return compact<ConntrackTuple>({
    source,
    destination,
    protocol: proto.number,
    sourcePort: proto.sourcePort,
    destinationPort: proto.destinationPort,
    icmp: icmpOf(proto),
    zone: tuple?.zone,
  });
}

function icmpOf(proto: NonNullable<TupleAttributes["proto"]>): ConntrackTuple["icmp"] {
  const [id, type, code] =
    proto.number === "icmp"
      ? [proto.icmpId, proto.icmpType, proto.icmpCode]
      : [proto.icmpv6Id, proto.icmpv6Type, proto.icmpv6Code];
  return id === undefined || type === undefined || code === undefined ? undefined : { id, type, code };
}

/** A tuple, or the part of one that is known, in its message form. */
export function tupleAttributesOf(tuple: Partial<ConntrackTuple>): TupleAttributes {
  return compact<TupleAttributes>({
    ip: nonEmpty({ ...address("Source", tuple.source), ...address("Destination", tuple.destination) }),
    proto: nonEmpty(
      compact<NonNullable<TupleAttributes["proto"]>>({
        number: tuple.protocol,
        sourcePort: tuple.sourcePort,
        destinationPort: tuple.destinationPort,
        ...icmpAttributes(tuple),
      }),
    ),
    zone: tuple.zone,
  });
}

function address(side: "Source" | "Destination", value: IpAddress | undefined): Record<string, IpAddress> {
  return value === undefined ? {} : { [`${value.includes(":") ? "v6" : "v4"}${side}`]: value };
}

function icmpAttributes(tuple: Partial<ConntrackTuple>): TupleAttributes["proto"] {
  if (!tuple.icmp) return {};
  const { id, type, code } = tuple.icmp;
  return tuple.protocol === "icmp"
    ? { icmpId: id, icmpType: type, icmpCode: code }
    : { icmpv6Id: id, icmpv6Type: type, icmpv6Code: code };
}

/** The family that an address is of. */
export function familyOfAddress(address: IpAddress): ConntrackFamily {
  return address.includes(":") ? "ip6" : "ip";
}

function nonEmpty<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

function malformed(field: string, reason: string): FairleadError {
  return new FairleadError("NETLINK_DECODE", { subject: field, reason });
}
