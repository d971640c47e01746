/** Nodes and this node's links → what the kernel of this node shall hold, and what its Node object shall say. */
import { createHash } from "node:crypto";
import { macText, type IpAddress, type MacAddress } from "../../model/address.ts";
import { addressBits, cidrText, holds, overlap, type Cidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import { annotation, perFamily } from "./decode.ts";
import {
  families,
  type Entry,
  type NetworkNode,
  type OverlayOptions,
  type PerFamily,
  type Underlay,
  type VtepLink,
} from "./state.ts";

/** Outer Ethernet, IP, UDP and VXLAN headers, less the Ethernet header that the MTU does not count (RFC 7348). */
export const overheadBytes: Readonly<Record<IpFamily, number>> = { IPv4: 50, IPv6: 70 };
/** RFC 8200, section 5: a link with less carries no IPv6, and Linux takes IPv6 from it. */
const leastIpv6Mtu = 1280;

/** What entries depend on beside the node that they lead to. */
export interface Self {
  readonly options: OverlayOptions;
  readonly node: NetworkNode;
  readonly underlays: PerFamily<Underlay>;
}

export function usesVxlan({ mode }: OverlayOptions): boolean {
  return mode !== "host-gw";
}

export function vtepName({ linkName, vni }: OverlayOptions, family: IpFamily): string {
  return family === "IPv4" ? `${linkName}.${vni}` : `${linkName}-v6.${vni}`;
}

/** The same for the same node, whatever restarts or is lost: nothing has to be kept. Locally administered, unicast. */
export function vtepMac(nodeName: string, family: IpFamily, vni: number): MacAddress {
  const bytes = createHash("sha256").update(`fairlead vtep\0${nodeName}\0${family}\0${vni}`).digest().subarray(0, 6);
  bytes[0] = (bytes[0]! & 0xfc) | 0x02;
  return macText(bytes)!;
}

export function deriveVteps({ options, node, underlays }: Self): readonly VtepLink[] {
  if (!usesVxlan(options)) return [];
  return families.flatMap((family) => {
    const underlay = underlays[family];
    if (!node.podCidrs[family] || !underlay) return [];
    const { vni, port } = options;
    const mac = vtepMac(node.name, family, vni);
    const mtu = underlay.mtu - overheadBytes[family];
    const name = vtepName(options, family);
    return [{ family, name, vni, port, mac, mtu, below: underlay.index, local: underlay.address }];
  });
}

/** What pods' links shall have as MTU: what fits through whichever way a packet may take; undefined: not known yet. */
export function derivePodMtu({ options, underlays }: Pick<Self, "options" | "underlays">): number | undefined {
  const mtus = families.flatMap((family) => {
    const underlay = underlays[family];
    if (!underlay) return [];
    return [usesVxlan(options) ? underlay.mtu - overheadBytes[family] : underlay.mtu];
  });
  return mtus.length === 0 ? undefined : Math.min(...mtus);
}

/** Why pods cannot have a network yet, or undefined. */
export function deriveObstacle(self: Self): string | undefined {
  const { node, underlays } = self;
  const wanted = families.filter((family) => node.podCidrs[family]);
  if (wanted.length === 0) {
    return `node ${node.name} has no podCIDR yet (does a controller allocate them? --allocate-node-cidrs)`;
  }
  const without = wanted.find((family) => !underlays[family]);
  if (without) {
    const known = node.internalIps[without];
    const why = known === undefined ? "the Node object has no InternalIP of it" : `no link has ${known}`;
    return `no link of this node has its ${without} address: ${why} (--node-ip says which it is)`;
  }
  const mtu = derivePodMtu(self) ?? 0;
  if (node.podCidrs.IPv6 && mtu < leastIpv6Mtu) return `pods' MTU would be ${mtu}, and IPv6 needs ${leastIpv6Mtu}`;
  return undefined;
}

/** This node's own: its VTEPs' addresses, and an end for packets to addresses that no pod of it has. */
export function deriveOwn(self: Self): readonly Entry[] {
  const { options, node, underlays } = self;
  return families.flatMap((family): Entry[] => {
    const cidr = node.podCidrs[family];
    if (!cidr) return [];
    const unreachable: Entry = { kind: "route", family, destination: cidrText(cidr) };
    if (!usesVxlan(options) || !underlays[family]) return [unreachable];
    const prefix = addressBits(family);
    return [{ kind: "address", family, device: vtepName(options, family), address: cidr.address, prefix }, unreachable];
  });
}

export interface PeerEntries {
  readonly entries: readonly Entry[];
  /** Why pods of the node cannot be reached, a line for each family. */
  readonly problems: readonly string[];
}

/** What leads to another node's pods. */
export function derivePeer(self: Self, peer: NetworkNode): PeerEntries {
  const entries: Entry[] = [];
  const problems: string[] = [];
  for (const family of families) {
    const way = wayTo(self, peer, family);
    if (typeof way === "string") problems.push(`${family}: ${way}`);
    else entries.push(...way);
  }
  return { entries, problems };
}

function wayTo(self: Self, peer: NetworkNode, family: IpFamily): readonly Entry[] | string {
  const underlay = self.underlays[family];
  const cidr = peer.podCidrs[family];
  // Without a range there is nothing to reach, and nothing to reach it from.
  if (!underlay || !cidr || !self.node.podCidrs[family]) return [];
  const address = peer.addresses[family];
  if (address === undefined) return "its Node object has no address";
  const hostile = refusalOf(self, underlay, cidr, address);
  if (hostile !== undefined) return hostile;
  const { mode } = self.options;
  const isNear = underlay.onLink.some((range) => holds(range, address));
  if (mode !== "vxlan" && isNear) {
    return [{ kind: "route", family, destination: cidrText(cidr), device: underlay.device, gateway: address }];
  }
  if (mode === "host-gw") return `its address ${address} is not on link ${underlay.device}, as host-gw needs`;
  return throughTunnel(self.options, peer, family, cidr, address);
}

/** A Node object can claim any range; one that would take this node's own packets is not believed. */
function refusalOf({ node }: Self, underlay: Underlay, cidr: Cidr, address: IpAddress): string | undefined {
  const own = node.podCidrs[cidr.family];
  if (own && overlap(own, cidr)) return `its podCIDR ${cidrText(cidr)} overlaps this node's, ${cidrText(own)}`;
  if (address === underlay.address) return `it has this node's address, ${address}`;
  if (holds(cidr, underlay.address)) return `its podCIDR ${cidrText(cidr)} holds this node's address`;
  if (holds(cidr, address)) return `its podCIDR ${cidrText(cidr)} holds its own address, ${address}`;
  return undefined;
}

/** flannel's layout: the peer's VTEP has the first address of its podCIDR. */
function throughTunnel(
  options: OverlayOptions,
  peer: NetworkNode,
  family: IpFamily,
  cidr: Cidr,
  address: IpAddress,
): readonly Entry[] | string {
  const vtep = peer.vteps[family];
  if (peer.backend !== undefined && peer.backend !== "vxlan") return `its backend is ${peer.backend}, not vxlan`;
  if (!vtep) return "it has not said its VTEP's address yet";
  if (vtep.vni !== options.vni) return `its VNI is ${vtep.vni}, not ${options.vni}`;
  const device = vtepName(options, family);
  const gateway = cidr.address;
  return [
    { kind: "fdb", device, mac: vtep.mac, address },
    { kind: "neighbor", family, device, address: gateway, mac: vtep.mac },
    { kind: "route", family, destination: cidrText(cidr), device, gateway, onlink: true },
  ];
}

/** What this node tells the others, on its Node object; null: no such annotation. */
export function deriveAnnotations(self: Self): Readonly<Record<string, string | null>> {
  const { options, node, underlays } = self;
  const vteps = new Map(deriveVteps(self).map((vtep) => [vtep.family, vtep]));
  const told = perFamily((family) => {
    const underlay = underlays[family];
    return underlay && node.podCidrs[family] ? (node.publicIpOverwrites[family] ?? underlay.address) : undefined;
  });
  const each = families.map((family) => {
    const vtep = vteps.get(family);
    const data = vtep ? JSON.stringify({ VNI: vtep.vni, VtepMAC: vtep.mac }) : told[family] ? "null" : null;
    return { [annotation.backendData[family]]: data, [annotation.publicIp[family]]: told[family] ?? null };
  });
  const backend = usesVxlan(options) ? "vxlan" : "host-gw";
  return { [annotation.backendType]: backend, [annotation.managed]: "true", ...each[0], ...each[1] };
}
