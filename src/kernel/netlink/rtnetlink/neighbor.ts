/**
 * Neighbours (ARP, neighbour discovery) and, in family bridge, forwarding entries of bridges and
 * VXLAN devices: struct ndmsg and NDA_* (include/uapi/linux/neighbour.h).
 */
import { attr, attributes } from "../codec/attributes.ts";
import { be16, ip, merged, named, pad, s32, struct, u16, u32, u8, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { family, hardwareAddress, routeKind, routeProtocol, type Spec } from "./common.ts";

/** NTF_* */
const neighborFlag = {
  use: 0x01,
  /** A forwarding entry of the device itself (VXLAN). */
  self: 0x02,
  /** A forwarding entry of the device's bridge. */
  master: 0x04,
  proxy: 0x08,
  /** Learned by a control plane: the kernel neither ages nor overwrites it by its own learning. */
  externallyLearned: 0x10,
  offloaded: 0x20,
  sticky: 0x40,
  router: 0x80,
} as const;

/** NUD_*, and the combinations that forwarding entries have. */
const state = named(u16, {
  none: 0x00,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
  /** "static" of `bridge fdb`: does not age. */
  reachableNoarp: 0x42,
  /** VXLAN's own entry for its group or remote. */
  reachablePermanent: 0x82,
  noarpPermanent: 0xc0,
});

const neighborHeader = struct({
  family,
  padding: pad(3),
  /** The link's. */
  index: s32,
  state,
  flags: flags(u8, neighborFlag),
  kind: routeKind,
});

/** RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH. */
export const neighborMessage = merged(
  neighborHeader,
  attributes({
    /** The neighbour's address; of a VXLAN entry the remote tunnel end's. */
    destination: attr(1, ip()),
    linkAddress: attr(2, hardwareAddress),
    /** struct nda_cacheinfo: ages in hundredths of a second. */
    cache: attr(3, struct({ confirmed: u32, used: u32, updated: u32, references: u32 })),
    probes: attr(4, u32),
    vlan: attr(5, u16),
    /** UDP port of the remote tunnel end, where it is not the device's. */
    port: attr(6, be16),
    /** VNI of the remote tunnel end, where it is not the device's. */
    vni: attr(7, u32),
    /** Link through which the remote tunnel end is reached. In a dump of forwarding entries: only of this port. */
    throughInterface: attr(8, u32),
    master: attr(9, u32),
    linkNetnsId: attr(10, s32),
    sourceVni: attr(11, u32),
    protocol: attr(12, routeProtocol),
    nextHopId: attr(13, u32),
    /** NTF_EXT_*: the kernel keeps a managed neighbour resolved. */
    extendedFlags: attr(15, flags(u32, { managed: 1 })),
  }),
);

/** A neighbour or a forwarding entry as the kernel tells of it. */
export type Neighbor = ValueOf<typeof neighborMessage>;
/** A neighbour or a forwarding entry as a request gives it. */
export type NeighborSpec = Spec<Neighbor, "family" | "state" | "flags" | "kind">;
