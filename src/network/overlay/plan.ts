/** From what the kernel has and what it shall have to the changes that lead there. */
import type { Link } from "../../kernel/netlink/rtnetlink/link.ts";
import type { RoutingChange } from "../../kernel/ports.ts";
import { renderEntry, type Devices } from "./render.ts";
import { sameEntry, type Entry, type VtepLink } from "./state.ts";

/**
 * What VTEPs there are, against what there shall be. A new one is made here and brought up by the plan that
 * observes it: its index and whether it has IPv6 are not known before.
 *
 * @param observed every VXLAN device, and any other link of a VTEP's name
 * @param isOurs whether a VXLAN device of this name is ours to remove
 */
export function planVteps(
  observed: readonly Link[],
  wanted: readonly VtepLink[],
  isOurs: (name: string) => boolean,
): readonly RoutingChange[] {
  const byName = new Map(observed.map((link) => [link.name ?? "", link]));
  const names = new Set(wanted.map(({ name }) => name));
  const gone = observed.filter(({ name = "", info }) => info?.kind === "vxlan" && isOurs(name) && !names.has(name));
  return [...gone.map(deletion), ...wanted.flatMap((vtep) => planVtep(byName.get(vtep.name), vtep))];
}

function planVtep(link: Link | undefined, vtep: VtepLink): readonly RoutingChange[] {
  if (!link) return [{ verb: "add", object: "link", value: renderVtep(vtep) }];
  if (!isSameTunnel(link, vtep)) return [deletion(link), { verb: "add", object: "link", value: renderVtep(vtep) }];
  const { index } = link;
  const changes: RoutingChange[] = [];
  const generation = link.addressFamilies?.inet6?.addressGeneration;
  // Nobody asks for the VTEP's link-local address, and it would be announced over the tunnel.
  if (generation !== undefined && generation !== "none") {
    const addressFamilies = { inet6: { addressGeneration: "none" } } as const;
    changes.push({ verb: "change", object: "link", value: { index, addressFamilies } });
  }
  if (link.address !== vtep.mac) changes.push({ verb: "change", object: "link", value: { index, address: vtep.mac } });
  if (link.mtu !== vtep.mtu) changes.push({ verb: "change", object: "link", value: { index, mtu: vtep.mtu } });
  if (!link.flags.includes("up")) {
    changes.push({ verb: "change", object: "link", value: { index, flags: ["up"], change: ["up"] } });
  }
  return changes;
}

/** What the kernel changes of a VXLAN device only by making it anew (vxlan_changelink), or not without a gap. */
function isSameTunnel({ info }: Link, vtep: VtepLink): boolean {
  if (info?.kind !== "vxlan") return false;
  const { id, port, link, learning, local, local6 } = info;
  return (
    id === vtep.vni &&
    port === vtep.port &&
    link === vtep.below &&
    learning !== true &&
    (vtep.family === "IPv4" ? local : local6) === vtep.local
  );
}

function renderVtep({ family, name, vni, port, mac, mtu, below, local }: VtepLink) {
  const where = family === "IPv4" ? { local } : { local6: local };
  // Who has which address is known: nothing is learned from packets, which anybody can send.
  const info = { kind: "vxlan", id: vni, link: below, port, learning: false, ...where } as const;
  return { name, address: mac, mtu, info };
}

function deletion({ index }: Link): RoutingChange {
  return { verb: "delete", object: "link", value: { index } };
}

export interface EntryStep {
  readonly key: string;
  /** What the kernel has once the change was made; undefined: nothing. */
  readonly leaves: Entry | undefined;
  readonly change: RoutingChange;
}

/**
 * @param keys those to look at; others are as they should be
 * @param observed what there is of ours, by key. What stands on a link that is not there waits for it
 */
export function planEntries(
  keys: Iterable<string>,
  observed: { get(key: string): Entry | undefined },
  wanted: { get(key: string): Entry | undefined },
  devices: Devices,
): readonly EntryStep[] {
  const come: Record<Entry["kind"], EntryStep[]> = { address: [], fdb: [], neighbor: [], route: [] };
  const gone: Record<Entry["kind"], EntryStep[]> = { address: [], fdb: [], neighbor: [], route: [] };
  for (const key of keys) {
    const [before, after] = [observed.get(key), wanted.get(key)];
    if (before && after && sameEntry(before, after)) continue;
    if (before && (!after || !replaces(before, after))) {
      const change = renderEntry("delete", before, devices);
      if (change) gone[before.kind].push({ key, leaves: undefined, change });
    }
    const change = after && renderEntry("replace", after, devices);
    if (change) come[after.kind].push({ key, leaves: after, change });
  }
  // A route comes when what it leads through is there, and goes before that does. An address goes when another is
  // there: a link's last IPv4 address takes its routes along, of which the kernel says nothing (fib_disable_ip).
  return [
    ...[...gone.route, ...gone.neighbor, ...gone.fdb],
    ...[...come.address, ...gone.address, ...come.fdb, ...come.neighbor, ...come.route],
  ];
}

/**
 * IPv6 looks for an onlink gateway in the table as it is, finds the route that is to be replaced, and refuses a next
 * hop that this one leads elsewhere (ip6_route_check_nh_onlink).
 */
function replaces(before: Entry, after: Entry): boolean {
  if (before.kind !== "route" || after.kind !== "route") return true;
  return before.family === "IPv4" || before.device === after.device;
}
