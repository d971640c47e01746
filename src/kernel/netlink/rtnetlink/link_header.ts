/** struct ifinfomsg and the IFLA_* that a veth's peer has too (include/uapi/linux/if_link.h, if.h, if_arp.h). */
import { attr, attributes, nest, repeated } from "../codec/attributes.ts";
import { bool8, bytes, cstring, ip, named, pad, s32, struct, u16, u32, u64, u8 } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { family, hardwareAddress, u32Array } from "./common.ts";

/** IFF_* */
const linkFlag = {
  up: 0x1,
  broadcast: 0x2,
  loopback: 0x8,
  pointToPoint: 0x10,
  running: 0x40,
  noArp: 0x80,
  promiscuous: 0x100,
  allMulticast: 0x200,
  multicast: 0x1000,
  lowerUp: 0x10000,
} as const;

/** RTEXT_FILTER_* */
const linkFilter = { virtualFunctions: 1, bridgeVlans: 2, bridgeVlansCompressed: 4, skipStatistics: 8 } as const;

export const linkHeader = struct({
  family,
  padding: pad(1),
  /** ARPHRD_*; 0 in requests. */
  hardwareType: named(u16, {
    unspec: 0,
    ether: 1,
    infiniband: 32,
    tunnel: 768,
    tunnel6: 769,
    loopback: 772,
    sit: 776,
    ipGre: 778,
    ip6Gre: 823,
    none: 0xfffe,
  }),
  /** In a request that makes a link: the index it shall have, 0 for the next that is free. */
  index: s32,
  flags: flags(u32, linkFlag),
  /** The flags that the request changes, to what `flags` says: up is `flags` and `change` with "up". */
  change: flags(u32, linkFlag),
});

/** struct rtnl_link_stats64, as far as 5.10 has it: newer kernels append to it. */
const statistics = struct({
  rxPackets: u64,
  txPackets: u64,
  rxBytes: u64,
  txBytes: u64,
  rxErrors: u64,
  txErrors: u64,
  rxDropped: u64,
  txDropped: u64,
  multicast: u64,
  collisions: u64,
  rxLengthErrors: u64,
  rxOverErrors: u64,
  rxCrcErrors: u64,
  rxFrameErrors: u64,
  rxFifoErrors: u64,
  rxMissedErrors: u64,
  txAbortedErrors: u64,
  txCarrierErrors: u64,
  txFifoErrors: u64,
  txHeartbeatErrors: u64,
  txWindowErrors: u64,
  rxCompressed: u64,
  txCompressed: u64,
  rxNoHandler: u64,
});

/**
 * IFLA_AF_SPEC in family unspec: an attribute for each address family, with its number. The kernel takes
 * it for a link that exists; a request that makes one is refused with it (EAFNOSUPPORT).
 */
const addressFamilies = attributes({
  inet: nest(
    2,
    attributes({
      /** IPV4_DEVCONF_* by number less one. Read only: to be set it has another form, and sysctl does it. */
      configuration: attr(1, u32Array),
    }),
  ),
  inet6: nest(
    10,
    attributes({
      flags: attr(1, u32),
      /** DEVCONF_* by number. Read only. */
      configuration: attr(2, u32Array),
      token: attr(7, ip(16)),
      /** Whether and how the kernel makes a link-local address. */
      addressGeneration: attr(8, named(u8, { eui64: 0, none: 1, stablePrivacy: 2, random: 3 })),
    }),
  ),
});

/** IFLA_*, without IFLA_LINKINFO: those that any link may have. Fields say where they only come or only go. */
export const plainLinkAttributes = {
  address: attr(1, hardwareAddress),
  broadcast: attr(2, hardwareAddress),
  /** IFNAMSIZ holds 15 bytes and the NUL. */
  name: attr(3, cstring(15)),
  mtu: attr(4, u32),
  /** Index of the link below, in the namespace `linkNetnsId` (this one where that is absent). */
  link: attr(5, u32),
  /** Name of the root queueing discipline. */
  qdisc: attr(6, cstring()),
  /** Index of the bridge, bond or VRF; 0 takes it out of it. */
  master: attr(10, u32),
  txQueueLength: attr(13, u32),
  /** RFC 2863 */
  operState: attr(
    16,
    named(u8, { unknown: 0, notPresent: 1, down: 2, lowerLayerDown: 3, testing: 4, dormant: 5, up: 6 }),
  ),
  linkMode: attr(17, named(u8, { default: 0, dormant: 1, testing: 2 })),
  /** Process in whose network namespace the link shall be. */
  netnsPid: attr(19, u32),
  alias: attr(20, cstring(255)),
  statistics: attr(23, statistics),
  addressFamilies: nest(26, addressFamilies),
  group: attr(27, u32),
  /** Descriptor of the network namespace in which the link shall be. */
  netnsFd: attr(28, u32),
  /** In requests: what a dump holds beside the usual, and that it goes without the statistics of IPv6. */
  extMask: attr(29, flags(u32, linkFilter)),
  promiscuity: attr(30, u32),
  numTxQueues: attr(31, u32),
  numRxQueues: attr(32, u32),
  carrier: attr(33, bool8),
  carrierChanges: attr(35, u32),
  /** Id of the namespace in which `link` is, as this namespace counts them (RTM_GETNSID). */
  linkNetnsId: attr(37, s32),
  protoDown: attr(39, bool8),
  gsoMaxSegments: attr(40, u32),
  gsoMaxSize: attr(41, u32),
  /** Why the message was sent (IFLA_EVENT_*). */
  event: attr(44, u32),
  /** In RTM_DELLINK: the id of the namespace into which the link went. */
  newNetnsId: attr(45, s32),
  /** The namespace, by id, to which the request refers. */
  targetNetnsId: attr(46, s32),
  carrierUpCount: attr(47, u32),
  carrierDownCount: attr(48, u32),
  /** In RTM_DELLINK: the index in the namespace into which the link went. */
  newIndex: attr(49, s32),
  minMtu: attr(50, u32),
  maxMtu: attr(51, u32),
  properties: nest(52, attributes({ altNames: repeated(53, cstring(127)) })),
  /** In a request: names the link it is about. A link's alternative names are in `properties`. */
  altName: attr(53, cstring(127)),
  permanentAddress: attr(54, hardwareAddress),
  /** Of a physical device: its address on the bus ("0000:00:03.0"). */
  parentName: attr(56, cstring()),
  parentBus: attr(57, cstring()),
  physicalPortId: attr(34, bytes(0, 32)),
} as const;
