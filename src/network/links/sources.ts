/**
 * Which packets a pod may send: those from its own MAC and IP addresses. A table of its own for routed pods (inet) and
 * one for bridged ones (bridge); both have the same sets, an element an address, so that a pod costs one look-up
 * whatever others there are. Chains for network policy can be jumped to from `from-pod`, behind the look-ups. Pure.
 */
import { concatKey, part, register, verdictRegister } from "../../kernel/netlink/nftables/data.ts";
import { setOf } from "../../kernel/netlink/nftables/datatype.ts";
import type { Expression } from "../../kernel/netlink/nftables/expressions/index.ts";
import type { NftElement, NftSet, NftTable, NftTableRef } from "../../kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../kernel/netlink/nftables/step.ts";
import { macBytes, type IpAddress, type MacAddress } from "../../model/address.ts";
import { familyOfIp } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import { familiesOf, type PodLink } from "./link.ts";
import { linkLocal, podLinkGroup } from "./names.ts";

export type SourceFamily = "inet" | "bridge";

export function sourceTable(family: SourceFamily): NftTableRef {
  return { family, name: "fairlead-pods" };
}

export const sourceSets = { IPv4: "sources4", IPv6: "sources6" } as const;
/** Addresses of this node at which tunnels end. */
export const tunnelSets = { IPv4: "tunnels4", IPv6: "tunnels6" } as const;

/** An element of a set, its key as hex: so that two are told apart by `===`. */
export interface SourceElement {
  readonly set: string;
  readonly key: string;
}

/** Where a link's packets come by, and from which addresses they may. */
export function renderSources(link: PodLink): readonly SourceElement[] {
  // What neighbour discovery and multicast listeners send comes from the link-local address.
  const local = familiesOf(link).has("IPv6") ? [{ family: "IPv6" as const, address: linkLocal(link.mac) }] : [];
  return [...link.addresses, ...local].map(({ family, address }) => ({
    set: sourceSets[family],
    key: sourceKey(link.hostLink, link.mac, address),
  }));
}

/** VXLAN's packets, which are not tracked. */
export interface Tunnels {
  /** UDP. */
  readonly port: number;
  /** This node's addresses at which they end; undefined: not known yet, what the table has stays. */
  readonly ends?: readonly IpAddress[];
}

function renderTunnelEnds(ends: readonly IpAddress[]): readonly SourceElement[] {
  return ends.map((end) => ({
    set: tunnelSets[familyOfIp(end)],
    key: Buffer.from(part.address(end)).toString("hex"),
  }));
}

export function sourceKey(hostLink: string, mac: MacAddress, address: IpAddress): string {
  const parts = [part.interfaceName(hostLink), macBytes(mac)!, part.address(address)];
  return concatKey(parts).toString("hex");
}

/** Before connection tracking: NF_IP_PRI_RAW is -300. NF_BR_PRI_FIRST comes before all others of a bridge. */
const priorities: Readonly<Record<SourceFamily, number>> = { inet: -310, bridge: -310 };

interface Chain {
  readonly name: string;
  readonly rules: readonly (readonly Expression[])[];
}

const verdict = (code: "return" | "drop" | "jump", chain?: string): Expression => ({
  expr: "immediate",
  dreg: verdictRegister,
  data: { verdict: { code, ...(chain === undefined ? {} : { chain }) } },
});

const isPod: readonly Expression[] = [
  { expr: "meta", key: "iifgroup", dreg: register(0) },
  { expr: "cmp", sreg: register(0), op: "eq", data: part.host32(podLinkGroup) },
];

/** ETH_P_*, as meta protocol and an Ethernet header have them. */
const etherTypes = { IPv4: 0x0800, IPv6: 0x86dd, ARP: 0x0806 } as const;

function isEtherType(type: number): readonly Expression[] {
  return [
    { expr: "meta", key: "protocol", dreg: register(0) },
    { expr: "cmp", sreg: register(0), op: "eq", data: part.port(type) },
  ];
}

/** Registers: interface name 0-3, MAC 4-5, address from 6 on. */
function isKnown(family: IpFamily, loadAddress: Expression, loadMac: Expression): readonly Expression[] {
  return [
    { expr: "meta", key: "iifname", dreg: register(0) },
    loadMac,
    loadAddress,
    { expr: "lookup", set: sourceSets[family], sreg: register(0) },
    verdict("return"),
  ];
}

const fromHeader: Expression = { expr: "payload", base: "link", offset: 6, len: 6, dreg: register(4) };

function load(base: "network", offset: number, len: number, at: number): Expression {
  return { expr: "payload", base, offset, len, dreg: register(at) };
}

/** Duplicate address detection and listener reports before an address is there (RFC 4862, RFC 3810). */
const isUnspecified: readonly Expression[] = [
  ...isEtherType(etherTypes.IPv6),
  load("network", 8, 16, 0),
  { expr: "cmp", sreg: register(0), op: "eq", data: new Uint8Array(16) },
  load("network", 24, 2, 0),
  { expr: "cmp", sreg: register(0), op: "eq", data: Uint8Array.of(0xff, 0x02) },
  { expr: "meta", key: "l4proto", dreg: register(0) },
  { expr: "cmp", sreg: register(0), op: "eq", data: part.protocol(58) },
  verdict("return"),
];

const drop: readonly Expression[] = [{ expr: "counter", bytes: 0n, packets: 0n }, verdict("drop")];

/** ARP of IPv4 over Ethernet (RFC 826): the sender's MAC address is at 8, its IP address at 14. */
const arp: readonly Expression[] = [
  ...isEtherType(etherTypes.ARP),
  // The header's source and the sender that ARP tells of: both are the pod's.
  { expr: "meta", key: "iifname", dreg: register(0) },
  fromHeader,
  load("network", 14, 4, 6),
  { expr: "lookup", set: sourceSets.IPv4, sreg: register(0) },
  load("network", 8, 6, 4),
  { expr: "lookup", set: sourceSets.IPv4, sreg: register(0) },
  verdict("return"),
];

function isTo(port: number): readonly Expression[] {
  return [
    { expr: "meta", key: "l4proto", dreg: register(0) },
    { expr: "cmp", sreg: register(0), op: "eq", data: part.protocol(17) },
    { expr: "payload", base: "transport", offset: 2, len: 2, dreg: register(0) },
    { expr: "cmp", sreg: register(0), op: "eq", data: part.port(port) },
  ];
}

/**
 * VXLAN's own packets are not tracked: each connection within has a source port of its own without (RFC 7348), so that it
 * would be two entries more on each node, which nobody looks at. Those of programs are, as ever: a socket sends them.
 */
function tunnelChains(port: number): readonly Chain[] {
  return [
    {
      name: "tunnels",
      rules: [
        // Only a packet with a socket has an owner; without one the rule ends here.
        [{ expr: "meta", key: "skuid", dreg: register(0) }, verdict("return")],
        [{ expr: "notrack" }],
      ],
    },
    { name: "output", rules: [[...isTo(port), verdict("jump", "tunnels")]] },
  ];
}

const destinations = { IPv4: load("network", 16, 4, 0), IPv6: load("network", 24, 16, 0) } as const;

/** By addresses of which there are two at most: whether an address is local costs each packet a look at the routes. */
function isTunnelToNode(port: number, family: IpFamily): readonly Expression[] {
  return [
    ...isTo(port),
    ...isEtherType(etherTypes[family]),
    destinations[family],
    { expr: "lookup", set: tunnelSets[family], sreg: register(0) },
    { expr: "notrack" },
  ];
}

/** @returns in an order in which a chain stands before those that jump to it */
function chains(family: SourceFamily, tunnelPort: number | undefined): readonly Chain[] {
  const port = family === "inet" ? tunnelPort : undefined;
  return [
    {
      name: "from-pod",
      rules: [
        [...isEtherType(etherTypes.IPv4), ...isKnown("IPv4", load("network", 12, 4, 6), fromHeader)],
        [...isEtherType(etherTypes.IPv6), ...isKnown("IPv6", load("network", 8, 16, 6), fromHeader)],
        isUnspecified,
        ...(family === "bridge" ? [arp] : []),
        drop,
      ],
    },
    {
      name: "prerouting",
      rules: [
        [...isPod, verdict("jump", "from-pod")],
        ...(port === undefined ? [] : [isTunnelToNode(port, "IPv4"), isTunnelToNode(port, "IPv6")]),
      ],
    },
    ...(port === undefined ? [] : tunnelChains(port)),
  ];
}

function sets(family: SourceFamily, tunnelPort: number | undefined): readonly NftSet[] {
  const hasTunnels = family === "inet" && tunnelPort !== undefined;
  return [
    ...(hasTunnels ? tunnels : []),
    { name: sourceSets.IPv4, ...setOf(["ifname", "ether_addr", "ipv4_addr"]) },
    { name: sourceSets.IPv6, ...setOf(["ifname", "ether_addr", "ipv6_addr"]) },
  ];
}

const tunnels: readonly NftSet[] = [
  { name: tunnelSets.IPv4, ...setOf(["ipv4_addr"]) },
  { name: tunnelSets.IPv6, ...setOf(["ipv6_addr"]) },
];

/** The table without elements, made anew whatever is there. */
function planSourceTable(family: SourceFamily, exists: boolean, tunnelPort: number | undefined): readonly NftStep[] {
  const table = sourceTable(family);
  const base = (hook: "prerouting" | "output") => ({ type: "filter", hook, priority: priorities[family] }) as const;
  return [
    ...(exists ? [{ step: "delete table", table } as const] : []),
    { step: "add table", table, userdata: { comment: versionOf(tunnelPort) } },
    ...sets(family, tunnelPort).map((set): NftStep => ({ step: "add set", table, set })),
    ...chains(family, tunnelPort).flatMap(({ name, rules }): NftStep[] => [
      {
        step: "add chain",
        table,
        chain: name === "prerouting" || name === "output" ? { name, base: base(name) } : { name },
      },
      ...rules.map((expressions): NftStep => ({ step: "add rule", table, chain: name, rule: { expressions } })),
    ]),
  ];
}

/** Bumped with the rules: a table of another version is made anew. */
function versionOf(tunnelPort: number | undefined): string {
  return `sources of pods, version 3${tunnelPort === undefined ? "" : `, tunnels by port ${tunnelPort}`}`;
}

/**
 * What makes an observed table the wanted one.
 *
 * @param observed undefined: there is none
 * @param tunnels undefined: there are none
 */
export function planSources(
  family: SourceFamily,
  observed: NftTable | undefined,
  sources: readonly SourceElement[],
  tunnels?: Tunnels,
): readonly NftStep[] {
  const wanted = [...sources, ...(family === "inet" ? renderTunnelEnds(tunnels?.ends ?? []) : [])];
  if (!observed || !isWhole(family, observed, tunnels?.port)) {
    return [
      ...planSourceTable(family, observed !== undefined, tunnels?.port),
      ...elementSteps(family, "add elements", wanted),
    ];
  }
  const known = [...Object.values(sourceSets), ...(tunnels?.ends ? Object.values(tunnelSets) : [])];
  return elementChanges(family, elementsOf(observed, known), wanted);
}

/** What makes the ends of tunnels in a whole table the wanted ones; its sources are left alone. */
export function planTunnelEnds(
  observed: NftTable,
  ends: readonly IpAddress[],
): { readonly gone: readonly SourceElement[]; readonly come: readonly SourceElement[] } {
  return differences(elementsOf(observed, Object.values(tunnelSets)), renderTunnelEnds(ends));
}

function elementsOf({ sets }: NftTable, names: readonly string[]): readonly SourceElement[] {
  return sets
    .filter(({ name }) => names.includes(name))
    .flatMap(({ name, elements }) =>
      elements.flatMap(({ key }) => (key ? [{ set: name, key: Buffer.from(key).toString("hex") }] : [])),
    );
}

function elementChanges(
  family: SourceFamily,
  there: readonly SourceElement[],
  wanted: readonly SourceElement[],
): readonly NftStep[] {
  const { gone, come } = differences(there, wanted);
  return [...elementSteps(family, "delete elements", gone), ...elementSteps(family, "add elements", come)];
}

function differences(there: readonly SourceElement[], wanted: readonly SourceElement[]) {
  const id = ({ set, key }: SourceElement): string => `${set} ${key}`;
  const isWanted = new Set(wanted.map(id));
  const isThere = new Set(there.map(id));
  return {
    gone: there.filter((element) => !isWanted.has(id(element))),
    come: wanted.filter((element) => !isThere.has(id(element))),
  };
}

function isWhole(family: SourceFamily, observed: NftTable, tunnelPort: number | undefined): boolean {
  const counts = new Map(observed.chains.map(({ name, rules }) => [name, rules.length]));
  return (
    observed.userdata?.comment === versionOf(tunnelPort) &&
    sets(family, tunnelPort).every(({ name }) => observed.sets.some((set) => set.name === name)) &&
    chains(family, tunnelPort).every(({ name, rules }) => counts.get(name) === rules.length)
  );
}

export function elementSteps(
  family: SourceFamily,
  step: "add elements" | "delete elements",
  elements: readonly SourceElement[],
): readonly NftStep[] {
  const table = sourceTable(family);
  return [...Object.values(sourceSets), ...Object.values(tunnelSets)].flatMap((set): NftStep[] => {
    const keys = elements.filter((element) => element.set === set);
    const bytes = keys.map(({ key }): NftElement => ({ key: Buffer.from(key, "hex") }));
    return bytes.length === 0 ? [] : [{ step, table, set, elements: bytes }];
  });
}
