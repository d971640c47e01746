/**
 * What the kinds of links have of their own: IFLA_LINKINFO (include/uapi/linux/if_link.h, veth.h).
 */
import { attr, attributes, nest, tagged, type TaggedValue } from "../codec/attributes.ts";
import {
  be16,
  be32,
  bool8,
  cstring,
  ip,
  merged,
  named,
  present,
  struct,
  u16,
  u32,
  u8,
  type Codec,
  type ValueOf,
} from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { bridgeData, bridgePortData } from "./bridge.ts";
import { linkHeader, plainLinkAttributes } from "./link_header.ts";

/** The other end of a veth pair: an ifinfomsg and its attributes, with no kind (it is a veth). */
const peer = merged(linkHeader, attributes(plainLinkAttributes));
export type LinkPeer = ValueOf<typeof peer>;

const vxlanData = attributes({
  /** VNI, 24 bits. */
  id: attr(1, u32),
  group: attr(2, ip(4)),
  link: attr(3, u32),
  local: attr(4, ip(4)),
  ttl: attr(5, u8),
  tos: attr(6, u8),
  learning: attr(7, bool8),
  /** Seconds. */
  ageing: attr(8, u32),
  /** Most entries of the forwarding table; 0 is no limit. */
  limit: attr(9, u32),
  /** Source ports. */
  portRange: attr(10, struct({ low: be16, high: be16 })),
  proxy: attr(11, bool8),
  routeShortCircuit: attr(12, bool8),
  l2miss: attr(13, bool8),
  l3miss: attr(14, bool8),
  /** Destination port. The kernel's default is 8472, IANA's 4789. */
  port: attr(15, be16),
  group6: attr(16, ip(16)),
  local6: attr(17, ip(16)),
  udpChecksum: attr(18, bool8),
  udpZeroChecksum6Tx: attr(19, bool8),
  udpZeroChecksum6Rx: attr(20, bool8),
  remoteChecksumTx: attr(21, bool8),
  remoteChecksumRx: attr(22, bool8),
  groupPolicy: attr(23, present),
  collectMetadata: attr(25, bool8),
  flowLabel: attr(26, be32),
  genericProtocol: attr(27, present),
  /** IPv4's "don't fragment". */
  df: attr(29, named(u8, { unset: 0, set: 1, inherit: 2 })),
  vniFilter: attr(30, bool8),
});

const vlanFlags = flags(u32, { reorderHeader: 1, gvrp: 2, looseBinding: 4, mvrp: 8, bridgeBinding: 16 });

const vlanData = attributes({
  id: attr(1, u16),
  /** VLAN_FLAG_*, and which of them are set. */
  flags: attr(2, struct({ flags: vlanFlags, mask: vlanFlags })),
  /** 0x8100 or 0x88a8. */
  protocol: attr(5, be16),
});

const macvlanData = attributes({
  mode: attr(1, named(u32, { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 })),
  flags: attr(2, flags(u16, { noPromiscuous: 1, noDestination: 2 })),
  broadcastQueueLength: attr(7, u32),
  broadcastQueueLengthUsed: attr(8, u32),
});

const ipvlanData = attributes({
  mode: attr(1, named(u16, { l2: 0, l3: 1, l3s: 2 })),
  flags: attr(2, flags(u16, { private: 1, vepa: 2 })),
});

const nothing = attributes({});

/** Kinds without data of their own have none here: wireguard is set up over generic netlink. */
const device = tagged("kind", attr(1, cstring()), 2, {
  veth: attributes({ peer: attr(1, peer) }),
  bridge: bridgeData,
  vxlan: vxlanData,
  vlan: vlanData,
  macvlan: macvlanData,
  ipvlan: ipvlanData,
  dummy: nothing,
  ifb: nothing,
  wireguard: nothing,
});

/** IFLA_INFO_SLAVE_KIND and _DATA: what the link is as the port of its master. */
const slave = tagged("kind", attr(4, cstring()), 5, { bridge: bridgePortData });

type Device = ValueOf<typeof device>;
export type LinkKind = Device["kind"];
export type LinkSlave = TaggedValue<"kind", { bridge: typeof bridgePortData }>;

/** A physical port of a bridge has a slave and no kind. */
export type LinkInfo = (Device | { readonly kind?: never }) & { readonly slave?: LinkSlave };

const kinds = attributes({ kind: attr(1, cstring()), slaveKind: attr(4, cstring()) });

/** Device and slave share one nest; each of the two reads the attributes that are its own. */
export const linkInfo: Codec<LinkInfo> = {
  shape: {
    type: "merged",
    parts: [device.shape, { type: "record", optional: true, fields: { slave: slave.shape } }],
  },
  write(w, v) {
    if (v.kind !== undefined) device.write(w, v);
    if (v.slave) slave.write(w, v.slave);
  },
  read(r) {
    const start = r.position;
    const { kind, slaveKind } = kinds.read(r);
    const value: { slave?: LinkSlave } = {};
    if (kind !== undefined) {
      r.position = start;
      Object.assign(value, device.read(r));
    }
    if (slaveKind !== undefined) {
      r.position = start;
      value.slave = slave.read(r);
    }
    return value;
  },
};

/** IFLA_LINKINFO */
export const linkInfoAttribute = nest(18, linkInfo);
