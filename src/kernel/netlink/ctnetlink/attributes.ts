/**
 * The attributes of conntrack entries as they stand in messages
 * (include/uapi/linux/netfilter/nfnetlink_conntrack.h, enum ctattr_*).
 */
import { attr, attributes, nest } from "../codec/attributes.ts";
import { be16, be32, be64, bytes, cstring, ip, merged, named, struct, u32, u8, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { ipProtocol, nfgenmsg } from "../nfnetlink.ts";

/** IPS_* (nf_conntrack_common.h, enum ip_conntrack_status). */
export const statusBits = {
  expected: 1 << 0,
  seenReply: 1 << 1,
  assured: 1 << 2,
  confirmed: 1 << 3,
  sourceNat: 1 << 4,
  destinationNat: 1 << 5,
  sequenceAdjust: 1 << 6,
  sourceNatDone: 1 << 7,
  destinationNatDone: 1 << 8,
  dying: 1 << 9,
  fixedTimeout: 1 << 10,
  template: 1 << 11,
  untracked: 1 << 12,
  helper: 1 << 13,
  offload: 1 << 14,
  hardwareOffload: 1 << 15,
} as const;
const status = flags(be32, statusBits);
export type ConntrackStatus = ValueOf<typeof status>;

/** enum tcp_conntrack. `synSent2` is a simultaneous open. */
const tcpState = named(u8, {
  none: 0,
  synSent: 1,
  synReceived: 2,
  established: 3,
  finWait: 4,
  closeWait: 5,
  lastAck: 6,
  timeWait: 7,
  close: 8,
  synSent2: 9,
});

/** enum sctp_conntrack */
const sctpState = named(u8, {
  none: 0,
  closed: 1,
  cookieWait: 2,
  cookieEchoed: 3,
  established: 4,
  shutdownSent: 5,
  shutdownReceived: 6,
  shutdownAckSent: 7,
  heartbeatSent: 8,
});

/** IP_CT_TCP_FLAG_* */
const tcpFlagBits = flags(u8, {
  windowScale: 0x01,
  sackPermitted: 0x02,
  closeInit: 0x04,
  beLiberal: 0x08,
  dataUnacknowledged: 0x10,
  maxAckSet: 0x20,
  expectChallengeAck: 0x40,
  simultaneousOpen: 0x80,
});
/** struct nf_ct_tcp_flags; the kernel fills in no mask. */
const tcpFlags = struct({ flags: tcpFlagBits, mask: u8 });

const addresses = attributes({
  v4Source: attr(1, ip(4)),
  v4Destination: attr(2, ip(4)),
  v6Source: attr(3, ip(16)),
  v6Destination: attr(4, ip(16)),
});

const protocol = attributes({
  number: attr(1, ipProtocol),
  sourcePort: attr(2, be16),
  destinationPort: attr(3, be16),
  icmpId: attr(4, be16),
  icmpType: attr(5, u8),
  icmpCode: attr(6, u8),
  icmpv6Id: attr(7, be16),
  icmpv6Type: attr(8, u8),
  icmpv6Code: attr(9, u8),
});

/** CTA_TUPLE_*; the zone stands here where an entry's zone holds for one direction only. */
export const tupleAttributes = attributes({
  ip: nest(1, addresses),
  proto: nest(2, protocol),
  zone: attr(3, be16),
});
export type TupleAttributes = ValueOf<typeof tupleAttributes>;

const protoinfo = attributes({
  tcp: nest(
    1,
    attributes({
      state: attr(1, tcpState),
      windowScaleOriginal: attr(2, u8),
      windowScaleReply: attr(3, u8),
      flagsOriginal: attr(4, tcpFlags),
      flagsReply: attr(5, tcpFlags),
    }),
  ),
  sctp: nest(3, attributes({ state: attr(1, sctpState), vtagOriginal: attr(2, be32), vtagReply: attr(3, be32) })),
});
export type ProtocolInfo = ValueOf<typeof protoinfo>;

const counters = attributes({ packets: attr(1, be64), bytes: attr(2, be64) });
export type Counters = ValueOf<typeof counters>;

/** CTA_NAT_SRC and CTA_NAT_DST: requests only, the kernel tells of NAT by tuples that differ. */
const nat = attributes({
  v4Min: attr(1, ip(4)),
  v4Max: attr(2, ip(4)),
  proto: nest(3, attributes({ portMin: attr(1, be16), portMax: attr(2, be16) })),
  v6Min: attr(4, ip(16)),
  v6Max: attr(5, ip(16)),
});
export type NatAttributes = ValueOf<typeof nat>;

/**
 * CTA_FILTER_F_* (net/netfilter/nf_internals.h): which parts of CTA_TUPLE_ORIG and CTA_TUPLE_REPLY
 * an entry must have. In host order, unlike the rest.
 */
const filterFlags = flags(u32, {
  source: 1 << 0,
  destination: 1 << 1,
  zone: 1 << 2,
  protocol: 1 << 3,
  sourcePort: 1 << 4,
  destinationPort: 1 << 5,
  icmpType: 1 << 6,
  icmpCode: 1 << 7,
  icmpId: 1 << 8,
  icmpv6Type: 1 << 9,
  icmpv6Code: 1 << 10,
  icmpv6Id: 1 << 11,
});
export type FilterFlags = ValueOf<typeof filterFlags>;

/** A conntrack entry in a message, or what a request says of one; `timeout` in seconds, `labels` 128 bits. */
export const conntrackMessage = merged(
  nfgenmsg,
  attributes({
    original: nest(1, tupleAttributes),
    reply: nest(2, tupleAttributes),
    status: attr(3, status),
    protoinfo: nest(4, protoinfo),
    helper: nest(5, attributes({ name: attr(1, cstring(15)) })),
    natSource: nest(6, nat),
    timeout: attr(7, be32),
    mark: attr(8, be32),
    countersOriginal: nest(9, counters),
    countersReply: nest(10, counters),
    use: attr(11, be32),
    id: attr(12, be32),
    natDestination: nest(13, nat),
    master: nest(14, tupleAttributes),
    zone: attr(18, be16),
    timestamp: nest(20, attributes({ start: attr(1, be64), stop: attr(2, be64) })),
    markMask: attr(21, be32),
    labels: attr(22, bytes(0, 16)),
    labelsMask: attr(23, bytes(0, 16)),
    filter: nest(25, attributes({ originalFlags: attr(1, filterFlags), replyFlags: attr(2, filterFlags) })),
    statusMask: attr(26, status),
  }),
);
export type ConntrackMessage = ValueOf<typeof conntrackMessage>;

/** Answer to IPCTNL_MSG_CT_GET_STATS: entries in the table, and the most that it takes. */
export const conntrackStats = merged(nfgenmsg, attributes({ entries: attr(1, be32), maxEntries: attr(2, be32) }));
