/** Requests to ctnetlink, and what its answers and events say (net/netfilter/nf_conntrack_netlink.c). */
import { compact } from "../codec/compact.ts";
import { decodeBody, flag, type ReceivedMessage, type Request } from "../codec/message.ts";
import {
  nfnetlinkGroup,
  nfnetlinkType,
  splitNfnetlinkType,
  subsystem,
  type IpProtocol,
  type NfGenMsg,
} from "../nfnetlink.ts";
import { conntrackMessage, conntrackStats, type ConntrackMessage, type NatAttributes } from "./attributes.ts";
import { entryOf, tupleAttributesOf, type ConntrackEntry, type ConntrackFamily } from "./entry.ts";
import { checkDecidable, checkRemoval, kernelFilter, type ConntrackFilter } from "./filter.ts";

/** IPCTNL_MSG_CT_* */
const message = { new: 0, get: 1, delete: 2, getStats: 5 } as const;

function request(kind: keyof typeof message, flags: number, body: ConntrackMessage): Request<ConntrackMessage> {
  return { type: nfnetlinkType(subsystem.conntrack, message[kind]), flags, codec: conntrackMessage, body };
}

function head(family: NfGenMsg["family"] = "unspec", version = 0): NfGenMsg {
  return { family, version, resourceId: 0 };
}

/** A dump of the entries that the kernel thinks are meant: check each with `matches`. */
export function listEntries(filter: ConntrackFilter = {}): Request<ConntrackMessage> {
  return request("get", 0, { ...head(), ...kernelFilter(filter) });
}

/** The one entry of these tuples, ENOENT where there is none. */
export function getEntry(entry: ConntrackIdentity): Request<ConntrackMessage> {
  return request("get", 0, identityBody(entry));
}

/** What names one entry: with `id`, never a later entry of the same tuples. */
export type ConntrackIdentity = Pick<ConntrackEntry, "family" | "original" | "zone"> &
  Partial<Pick<ConntrackEntry, "id">>;

/** Deletes one entry; ENOENT where it is gone, or another stands in its place. */
export function deleteEntry(entry: ConntrackIdentity): Request<ConntrackMessage> {
  return request("delete", 0, identityBody(entry));
}

function identityBody(entry: ConntrackIdentity): ConntrackMessage {
  const { family, original, zone, id } = entry;
  return compact<ConntrackMessage>({
    ...head(family),
    original: tupleAttributesOf(original),
    id,
    zone: zone === 0 ? undefined : zone,
  });
}

/**
 * Deletes, in the kernel, all that the kernel's own filter accepts. Version 1 makes the kernel read the
 * family; tuples need Linux 6.12, whose CTA_FILTER tells this from the deletion of one entry
 * (EOPNOTSUPP or EINVAL before).
 *
 * @throws FairleadError KERNEL_ARGUMENT for a filter of which a kernel decides only a part: more would go
 */
export function flushEntries(filter: ConntrackFilter): Request<ConntrackMessage> {
  checkRemoval([filter]);
  checkDecidable(filter);
  return request("delete", 0, { ...head(undefined, 1), ...kernelFilter(filter) });
}

/** Which connection to make, for tests and for state that is carried over. The kernel confirms it at once. */
export interface NewEntry {
  readonly family: ConntrackFamily;
  readonly original: ConntrackEntry["original"];
  readonly reply: ConntrackEntry["reply"];
  readonly timeoutSeconds: number;
  readonly zone?: number;
  readonly mark?: number;
  readonly status?: ConntrackEntry["status"];
  readonly protoinfo?: ConntrackEntry["protoinfo"];
  readonly labels?: Uint8Array;
  readonly helper?: string;
  readonly natSource?: NatAttributes;
  readonly natDestination?: NatAttributes;
}

/** EEXIST where an entry of these tuples is there. */
export function newEntry(entry: NewEntry): Request<ConntrackMessage> {
  return request("new", flag.create | flag.exclusive, newBody(entry));
}

/** Changes what may change of an entry: timeout, mark, status, protoinfo, labels, helper. ENOENT where it is gone. */
export function updateEntry(
  entry: Omit<NewEntry, "timeoutSeconds" | "reply"> & Partial<NewEntry>,
): Request<ConntrackMessage> {
  return request("new", 0, newBody(entry));
}

function newBody(entry: Partial<NewEntry> & Pick<NewEntry, "family" | "original">): ConntrackMessage {
  const { family, original, reply, timeoutSeconds, helper, status, ...rest } = entry;
  return compact<ConntrackMessage>({
    ...head(family),
    original: tupleAttributesOf(original),
    reply: reply && tupleAttributesOf(reply),
    timeout: timeoutSeconds,
    helper: helper === undefined ? undefined : { name: helper },
    // Entries that are in the table are confirmed; the kernel refuses to change that bit (EBUSY).
    status: status && [...new Set(["confirmed" as const, ...status])],
    ...rest,
  });
}

/** How many entries the namespace has, and the most that it may have (0: as many as the first namespace). */
export function getStats(): Request<NfGenMsg> {
  const type = nfnetlinkType(subsystem.conntrack, message.getStats);
  return { type, flags: 0, codec: conntrackStats, body: head() };
}

export function readStats(received: ReceivedMessage): { readonly entries: number; readonly maxEntries: number } {
  const { entries = 0, maxEntries = 0 } = decodeBody(conntrackStats, received);
  return { entries, maxEntries };
}

/** @throws FairleadError NETLINK_DECODE */
export function readEntry(received: ReceivedMessage): ConntrackEntry {
  return entryOf(decodeBody(conntrackMessage, received));
}

export type ConntrackEventType = "new" | "update" | "destroy";

/** The multicast group that carries the events of a type. Needs net.netfilter.nf_conntrack_events ≠ 0. */
export const eventGroup: Readonly<Record<ConntrackEventType, number>> = {
  new: nfnetlinkGroup.conntrackNew,
  update: nfnetlinkGroup.conntrackUpdate,
  destroy: nfnetlinkGroup.conntrackDestroy,
};

/** What a message of a multicast group tells; undefined for one that is none of conntrack's. */
export function readEvent(
  received: ReceivedMessage,
): { readonly type: ConntrackEventType; readonly entry: ConntrackEntry } | undefined {
  const { subsystemId, message: kind } = splitNfnetlinkType(received.type);
  if (subsystemId !== subsystem.conntrack) return undefined;
  if (kind === message.delete) return { type: "destroy", entry: readEntry(received) };
  if (kind !== message.new) return undefined;
  // A new entry's event carries the flags that would create it (ctnetlink_conntrack_event).
  return { type: received.flags & flag.create ? "new" : "update", entry: readEntry(received) };
}

/** The tuple of the opposite direction, where there is no NAT. */
export function mirrored(tuple: ConntrackEntry["original"]): ConntrackEntry["original"] {
  const { source, destination, sourcePort, destinationPort, icmp } = tuple;
  return compact<ConntrackEntry["original"]>({
    ...tuple,
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    icmp: icmp && { ...icmp, type: oppositeIcmpType(tuple.protocol, icmp.type) },
  });
}

/** Echo, timestamp, information and address mask come in pairs (nf_conntrack_proto_icmp.c, invmap). */
function oppositeIcmpType(protocol: IpProtocol, type: number): number {
  const pairs =
    protocol === "icmp"
      ? [
          [8, 0],
          [13, 14],
          [15, 16],
          [17, 18],
        ]
      : [
          [128, 129],
          [139, 140],
        ];
  const pair = pairs.find((types) => types.includes(type));
  return pair === undefined ? type : pair[0] === type ? pair[1]! : pair[0]!;
}
