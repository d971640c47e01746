/** Expressions that load a register from the packet, its connection, its route, or that write there. */
import { attr, attributes } from "../../codec/attributes.ts";
import { be32, named, u8 } from "../../codec/codec.ts";
import { flags } from "../../codec/flags.ts";
import { be32Attr } from "../fields.ts";

const payloadBase = named(be32, { link: 0, network: 1, transport: 2, inner: 3, tunnel: 4 });
const checksumType = named(be32, { none: 0, inet: 1, sctp: 2 });

/** Bytes of a header: `dreg` reads them, `sreg` writes them and repairs the checksum. */
export const payload = attributes({
  dreg: be32Attr(1),
  base: attr(2, payloadBase),
  offset: be32Attr(3),
  len: be32Attr(4),
  sreg: be32Attr(5),
  csumType: attr(6, checksumType),
  csumOffset: be32Attr(7),
  csumFlags: attr(8, flags(be32, { pseudoHeader: 1 })),
});

/** enum nft_meta_keys */
const metaKey = named(be32, {
  len: 0,
  protocol: 1,
  priority: 2,
  mark: 3,
  iif: 4,
  oif: 5,
  iifname: 6,
  oifname: 7,
  iiftype: 8,
  oiftype: 9,
  skuid: 10,
  skgid: 11,
  nftrace: 12,
  rtclassid: 13,
  secmark: 14,
  nfproto: 15,
  l4proto: 16,
  briIifname: 17,
  briOifname: 18,
  pkttype: 19,
  cpu: 20,
  iifgroup: 21,
  oifgroup: 22,
  cgroup: 23,
  prandom: 24,
  secpath: 25,
  iifkind: 26,
  oifkind: 27,
  briIifpvid: 28,
  briIifvproto: 29,
  timeNs: 30,
  timeDay: 31,
  timeHour: 32,
  sdif: 33,
  sdifname: 34,
  briBroute: 35,
  briIifhwaddr: 37,
});

/** `dreg` reads the key, `sreg` sets it. */
export const meta = attributes({ dreg: be32Attr(1), key: attr(2, metaKey), sreg: be32Attr(3) });

/** enum nft_ct_keys */
const ctKey = named(be32, {
  state: 0,
  direction: 1,
  status: 2,
  mark: 3,
  secmark: 4,
  expiration: 5,
  helper: 6,
  l3protocol: 7,
  src: 8,
  dst: 9,
  protocol: 10,
  protoSrc: 11,
  protoDst: 12,
  labels: 13,
  pkts: 14,
  bytes: 15,
  avgpkt: 16,
  zone: 17,
  eventmask: 18,
  srcIp: 19,
  dstIp: 20,
  srcIp6: 21,
  dstIp6: 22,
  id: 23,
});

/** `direction` where the key has one: of the tuple that opened the connection, or of its reply. */
export const ct = attributes({
  dreg: be32Attr(1),
  key: attr(2, ctKey),
  direction: attr(3, named(u8, { original: 0, reply: 1 })),
  sreg: be32Attr(4),
});

/** Bits of `ct state` (net/netfilter/nft_ct.c, NF_CT_STATE_BIT). */
export const ctState = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;
/** Bits of `ct status` (enum ip_conntrack_status). */
export const ctStatus = {
  expected: 1,
  seenReply: 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  dying: 512,
} as const;

export const rt = attributes({
  dreg: be32Attr(1),
  key: attr(2, named(be32, { classid: 0, nexthop4: 1, nexthop6: 2, tcpmss: 3, xfrm: 4 })),
});

export const socket = attributes({
  key: attr(1, named(be32, { transparent: 0, mark: 1, wildcard: 2, cgroupv2: 3 })),
  dreg: be32Attr(2),
  level: be32Attr(3),
});

/** A route look-up for what `flags` names of the packet. */
export const fib = attributes({
  dreg: be32Attr(1),
  result: attr(2, named(be32, { oif: 1, oifname: 2, addrtype: 3 })),
  flags: attr(3, flags(be32, { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16, present: 32 })),
});

/** A header option by its type; `dreg` reads, `sreg` writes (the MSS), neither strips a TCP option. */
export const exthdr = attributes({
  dreg: be32Attr(1),
  type: attr(2, u8),
  offset: be32Attr(3),
  len: be32Attr(4),
  flags: attr(5, flags(be32, { present: 1 })),
  op: attr(6, named(be32, { ipv6: 0, tcpopt: 1, ipv4: 2, sctp: 3, dccp: 4 })),
  sreg: be32Attr(7),
});

export const osf = attributes({ dreg: be32Attr(1), ttl: attr(2, u8), flags: attr(3, flags(be32, { version: 1 })) });

export const xfrm = attributes({
  dreg: be32Attr(1),
  key: attr(2, named(be32, { daddrIp4: 1, daddrIp6: 2, saddrIp4: 3, saddrIp6: 4, reqid: 5, spi: 6 })),
  direction: attr(3, named(u8, { in: 0, out: 2 })),
  spnum: be32Attr(4),
});
