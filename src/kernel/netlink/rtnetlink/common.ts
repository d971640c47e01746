/** What the objects of rtnetlink share (include/uapi/linux/rtnetlink.h). */
import { named, u8, u32, type Codec, type ValueOf } from "../codec/codec.ts";
import { DecodeFailure } from "../codec/reader.ts";
import { EncodeFailure } from "../codec/writer.ts";

/** RTM_*: nlmsg_type. Requests that make or change something are "new" too; flags tell them apart. */
export const routeMessage = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbor: 28,
  deleteNeighbor: 29,
  getNeighbor: 30,
  newRule: 32,
  deleteRule: 33,
  getRule: 34,
  newQdisc: 36,
  deleteQdisc: 37,
  getQdisc: 38,
  newFilter: 44,
  deleteFilter: 45,
  getFilter: 46,
  newNamespaceId: 88,
  deleteNamespaceId: 89,
  getNamespaceId: 90,
  newLinkProperty: 108,
  deleteLinkProperty: 109,
} as const;

/** RTNLGRP_*: multicast groups. `link` carries the bridge's port messages too, `neighbor` its forwarding entries. */
export const routeGroup = {
  link: 1,
  notify: 2,
  neighbor: 3,
  trafficControl: 4,
  ipAddress: 5,
  ipRoute: 7,
  ipRule: 8,
  ip6Address: 9,
  ip6Route: 11,
  ip6LinkInfo: 12,
  ip6Prefix: 18,
  ip6Rule: 19,
  ipNetconf: 24,
  ip6Netconf: 25,
  namespaceId: 28,
  nextHop: 32,
} as const;

/** AF_*: `ip` and `ip6` as netfilter calls them; `bridge` for ports and forwarding entries. */
export const family = named(u8, { unspec: 0, ip: 2, bridge: 7, ip6: 10 });
export type Family = ValueOf<typeof family>;

/** RT_SCOPE_*: how far away a destination or how far valid an address is. */
export const scope = named(u8, { universe: 0, site: 200, link: 253, host: 254, nowhere: 255 });

/** RTPROT_*: who made a route or a rule. From `static` (4) on the kernel only passes them on. */
export const routeProtocol = named(u8, {
  unspec: 0,
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  routerAdvertisement: 9,
  zebra: 11,
  bird: 12,
  dhcp: 16,
  keepalived: 18,
  bgp: 186,
  ospf: 188,
});

/** RTN_*: what becomes of a packet that takes the route. */
export const routeKind = named(u8, {
  unspec: 0,
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10,
});

/** RT_TABLE_*: any other number up to 2^32-1 is a table of its own. */
export const routeTable = { unspec: 0, default: 253, main: 254, local: 255 } as const;

const hardwarePattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){0,31}$/i;

/**
 * A link-layer address in colon form: 6 bytes on Ethernet, 4 or 16 on IP tunnels, 20 on InfiniBand
 * (MAX_ADDR_LEN is 32). A dump holds whatever devices there are, so that the length is not checked.
 */
export const hardwareAddress: Codec<string> = {
  shape: { type: "mac" },
  write(w, v) {
    if (!hardwarePattern.test(v)) throw new EncodeFailure(`"${v}" is not a link-layer address`);
    for (let at = 0; at < v.length; at += 3) w.u8(Number.parseInt(v.slice(at, at + 2), 16));
  },
  read(r) {
    if (r.remaining > 32) throw new DecodeFailure(`a link-layer address of ${r.remaining} bytes`);
    return r
      .bytes(r.remaining)
      .toString("hex")
      .replace(/(..)(?!$)/g, "$1:");
  },
};

/** An array of 32-bit numbers that fills its attribute. */
export const u32Array: Codec<readonly number[]> = {
  shape: { type: "list", item: () => u32.shape, min: 0, max: 4 },
  write(w, values) {
    for (const value of values) w.u32(value);
  },
  read(r) {
    const values: number[] = [];
    while (r.remaining >= 4) values.push(r.u32());
    return values;
  },
};

/** `T` as a request gives it: what the header needs and the request leaves out gets the kernel's default. */
export type Spec<T, Header extends PropertyKey> = T extends unknown
  ? Omit<T, Header> & Partial<Pick<T, Header & keyof T>>
  : never;
