/** Routes: struct rtmsg, RTA_*, RTAX_* and struct rtnexthop (include/uapi/linux/rtnetlink.h). */
import { attr, attributes, nest } from "../codec/attributes.ts";
import {
  at,
  cstring,
  ip,
  merged,
  named,
  pad,
  s32,
  struct,
  u16,
  u32,
  u8,
  type Codec,
  type ValueOf,
} from "../codec/codec.ts";
import { DecodeFailure } from "../codec/reader.ts";
import { flags } from "../codec/flags.ts";
import { family, routeKind, routeProtocol, scope, type Spec } from "./common.ts";

/** RTNH_F_* */
const nextHopFlag = {
  dead: 0x1,
  pervasive: 0x2,
  /** The gateway is taken to be on the link, whether or not a route says so. */
  onlink: 0x4,
  offload: 0x8,
  linkDown: 0x10,
  unresolved: 0x20,
  trap: 0x40,
} as const;

/** RTNH_F_* of the one next hop, and RTM_F_* */
const routeFlag = { ...nextHopFlag, cloned: 0x200, prefix: 0x800 } as const;

/** struct rtvia: a gateway of another family than the destination. */
const via = struct({ family: named(u16, { ip: 2, ip6: 10 }), address: ip() });

/** RTAX_*. Times are in milliseconds (rtt in eighths, its variance in quarters of one). */
const metrics = attributes({
  /** Bits by RTAX number: these metrics are not adapted. */
  lock: attr(1, u32),
  mtu: attr(2, u32),
  window: attr(3, u32),
  rtt: attr(4, u32),
  rttVariance: attr(5, u32),
  slowStartThreshold: attr(6, u32),
  congestionWindow: attr(7, u32),
  advmss: attr(8, u32),
  reordering: attr(9, u32),
  hopLimit: attr(10, u32),
  initialCongestionWindow: attr(11, u32),
  features: attr(12, u32),
  minRetransmissionTimeout: attr(13, u32),
  initialReceiveWindow: attr(14, u32),
  quickAck: attr(15, u32),
  congestionControl: attr(16, cstring(15)),
  fastOpenNoCookie: attr(17, u32),
});

const nextHop = merged(
  struct({
    flags: flags(u8, nextHopFlag),
    /** The weight less one. */
    hops: u8,
    outInterface: s32,
  }),
  attributes({ gateway: attr(5, ip()), flow: attr(11, u32), via: attr(18, via) }),
);
export type NextHop = ValueOf<typeof nextHop>;

const nextHopHeaderBytes = 8;

/** RTA_MULTIPATH: each next hop is as long as its first two bytes say, with its attributes. */
const nextHops: Codec<readonly NextHop[]> = {
  shape: { type: "list", item: () => nextHop.shape, min: 0, max: 4 },
  write(w, values) {
    values.forEach((value, i) => {
      const start = w.length;
      w.u16(0);
      try {
        nextHop.write(w, value);
      } catch (error) {
        throw at(String(i), error);
      }
      w.patch16(start, w.length - start);
      w.align();
    });
  },
  read(r) {
    const values: NextHop[] = [];
    while (r.remaining >= nextHopHeaderBytes) {
      const length = r.u16();
      if (length < nextHopHeaderBytes || length - 2 > r.remaining) {
        throw new DecodeFailure(`next hop ${values.length} says ${length} bytes where ${r.remaining + 2} are left`);
      }
      values.push(r.within(length - 2, () => nextHop.read(r)));
      r.align();
    }
    return values;
  },
};

const routeHeader = struct({
  family,
  destinationPrefixLength: u8,
  sourcePrefixLength: u8,
  tos: u8,
  // rtm_table holds 8 bits of what RTA_TABLE holds whole; the kernel always sends that, and prefers it.
  tableByte: pad(1),
  protocol: routeProtocol,
  scope,
  kind: routeKind,
  flags: flags(u32, routeFlag),
});

/** RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE. */
export const routeEntryMessage = merged(
  routeHeader,
  attributes({
    /** Absent: the default route. */
    destination: attr(1, ip()),
    source: attr(2, ip()),
    inInterface: attr(3, u32),
    outInterface: attr(4, u32),
    gateway: attr(5, ip()),
    /** The metric: of equal destinations the lowest wins. IPv6's default is 1024. */
    priority: attr(6, u32),
    preferredSource: attr(7, ip()),
    metrics: nest(8, metrics),
    nextHops: nest(9, nextHops),
    flow: attr(11, u32),
    /** struct rta_cacheinfo; times are in hundredths of a second. */
    cache: attr(
      12,
      struct({
        references: u32,
        lastUse: u32,
        expires: s32,
        error: u32,
        used: u32,
        id: u32,
        stamp: u32,
        stampAge: u32,
      }),
    ),
    /** Routing table: routeTable or any number. The main one where a request has none. */
    table: attr(15, u32),
    mark: attr(16, u32),
    via: attr(18, via),
    preference: attr(20, named(u8, { medium: 0, high: 1, low: 3 })),
    /** LWTUNNEL_ENCAP_*: told, not set here. */
    encapsulationType: attr(21, u16),
    /** Seconds. */
    expires: attr(23, u32),
    uid: attr(25, u32),
    /** A next hop object (ip nexthop) by its id. */
    nextHopId: attr(30, u32),
  }),
);

/** A route as the kernel tells of it. */
export type Route = ValueOf<typeof routeEntryMessage>;
/** A route as a request gives it. */
export type RouteSpec = Spec<Route, keyof ValueOf<typeof routeHeader>>;
