/**
 * A bridge and its ports (include/uapi/linux/if_link.h, IFLA_BR_* and IFLA_BRPORT_*;
 * include/uapi/linux/if_bridge.h). Times are in hundredths of a second (USER_HZ).
 */
import { attr, attributes, nest, repeated } from "../codec/attributes.ts";
import {
  be16,
  bool8,
  cstring,
  fixed,
  mac,
  merged,
  named,
  struct,
  u16,
  u32,
  u64,
  u8,
  type ValueOf,
} from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { hardwareAddress } from "./common.ts";
import { linkHeader } from "./link_header.ts";

/** struct ifla_bridge_id */
const bridgeId = struct({ priority: be16, address: fixed(6, mac) });

/** IFLA_INFO_DATA of kind "bridge". */
export const bridgeData = attributes({
  forwardDelay: attr(1, u32),
  helloTime: attr(2, u32),
  maxAge: attr(3, u32),
  ageingTime: attr(4, u32),
  /** 0 off, 1 the kernel's, 2 a daemon's. */
  spanningTree: attr(5, u32),
  priority: attr(6, u16),
  vlanFiltering: attr(7, bool8),
  /** 0x8100 or 0x88a8. */
  vlanProtocol: attr(8, be16),
  groupForwardMask: attr(9, u16),
  rootId: attr(10, bridgeId),
  bridgeId: attr(11, bridgeId),
  rootPort: attr(12, u16),
  rootPathCost: attr(13, u32),
  topologyChange: attr(14, bool8),
  topologyChangeDetected: attr(15, bool8),
  groupAddress: attr(20, mac),
  multicastRouter: attr(22, u8),
  multicastSnooping: attr(23, bool8),
  multicastQueryUsesAddress: attr(24, bool8),
  multicastQuerier: attr(25, bool8),
  multicastHashMax: attr(27, u32),
  callIptables: attr(36, bool8),
  callIp6tables: attr(37, bool8),
  callArptables: attr(38, bool8),
  defaultVlan: attr(39, u16),
  vlanStatistics: attr(41, bool8),
  multicastStatistics: attr(42, bool8),
  vlanStatisticsPerPort: attr(45, bool8),
  /** struct br_boolopt_multi: bit numbers are BR_BOOLOPT_*. */
  options: attr(46, struct({ value: u32, mask: u32 })),
});
export type BridgeData = ValueOf<typeof bridgeData>;

/** A bridge port's settings: IFLA_INFO_SLAVE_DATA of kind "bridge", and IFLA_PROTINFO in family bridge. */
export const bridgePortData = attributes({
  /** BR_STATE_* */
  state: attr(1, named(u8, { disabled: 0, listening: 1, learning: 2, forwarding: 3, blocking: 4 })),
  priority: attr(2, u16),
  cost: attr(3, u32),
  /** A packet may leave through the port that it came in by. */
  hairpin: attr(4, bool8),
  bpduGuard: attr(5, bool8),
  rootBlock: attr(6, bool8),
  fastLeave: attr(7, bool8),
  learning: attr(8, bool8),
  unicastFlood: attr(9, bool8),
  proxyArp: attr(10, bool8),
  proxyArpWifi: attr(12, bool8),
  rootId: attr(13, bridgeId),
  bridgeId: attr(14, bridgeId),
  designatedPort: attr(15, u16),
  designatedCost: attr(16, u16),
  id: attr(17, u16),
  number: attr(18, u16),
  messageAgeTimer: attr(21, u64),
  forwardDelayTimer: attr(22, u64),
  holdTimer: attr(23, u64),
  multicastRouter: attr(25, u8),
  multicastFlood: attr(27, bool8),
  multicastToUnicast: attr(28, bool8),
  vlanTunnel: attr(29, bool8),
  broadcastFlood: attr(30, bool8),
  groupForwardMask: attr(31, u16),
  /** ARP and neighbour discovery are answered from the neighbour table and not flooded. */
  neighSuppress: attr(32, bool8),
  /** Isolated ports do not reach one another. */
  isolated: attr(33, bool8),
  backupPort: attr(34, u32),
  multicastHostsLimit: attr(37, u32),
  multicastHostsCount: attr(38, u32),
  locked: attr(39, bool8),
});
export type BridgePortData = ValueOf<typeof bridgePortData>;

/** BRIDGE_VLAN_INFO_* */
const bridgeVlanFlag = { master: 1, pvid: 2, untagged: 4, rangeBegin: 8, rangeEnd: 16 } as const;

/**
 * A link as the bridge tells of it: RTM_NEWLINK and RTM_SETLINK in family bridge, where IFLA_PROTINFO
 * and IFLA_AF_SPEC have another meaning than in family unspec. Such messages come in group `link` too,
 * and RTM_DELLINK among them says that a port left its bridge, not that the link is gone.
 */
export const bridgePortMessage = merged(
  linkHeader,
  attributes({
    address: attr(1, hardwareAddress),
    name: attr(3, cstring(15)),
    mtu: attr(4, u32),
    link: attr(5, u32),
    master: attr(10, u32),
    port: nest(12, bridgePortData),
    /** IFLA_AF_SPEC: IFLA_BRIDGE_* */
    bridge: nest(
      26,
      attributes({
        /** BRIDGE_FLAGS_*: who carries it out. */
        flags: attr(0, flags(u16, { master: 1, self: 2 })),
        mode: attr(1, u16),
        /** struct bridge_vlan_info */
        vlans: repeated(2, struct({ flags: flags(u16, bridgeVlanFlag), id: u16 })),
      }),
    ),
  }),
);
export type BridgePortMessage = ValueOf<typeof bridgePortMessage>;
