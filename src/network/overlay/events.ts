/** What an event of the kernel means for the overlay. */
import type { RoutingEvent } from "../../kernel/ports.ts";
import { goingLinkGroup, podLinkGroup, routerAddress } from "../links/names.ts";
import { isOursRoute, isPermanent, readAddress, readFdb, readNeighbor, readRoute, type Names } from "./render.ts";
import { keyOf, sameEntry, type Entry, type PerFamily, type Underlay, type VtepLink } from "./state.ts";

/** What is taken to be in the kernel. */
export interface Known {
  readonly vteps: readonly VtepLink[];
  readonly underlays: PerFamily<Underlay>;
  /** Every link's name by its index. */
  readonly names: Names;
  readonly vtepNames: Names;
  readonly wanted: { get(key: string): Entry | undefined };
  readonly isVtep: (name: string) => boolean;
}

/** An entry is now this (undefined: gone); links are not what they were; or nothing that matters. */
export type Meaning = { readonly key: string; readonly entry: Entry | undefined } | "observe" | undefined;

export function meaningOf(event: RoutingEvent, known: Known): Meaning {
  if (event.event === "overrun" || event.event === "failed") return "observe";
  switch (event.object) {
    case "link":
      return linkMeaning(event, known);
    case "address":
      return known.vtepNames.has(event.value.index) ? vtepAddressMeaning(event, known) : addressMeaning(event, known);
    case "route":
      return routeMeaning(event, known);
    case "neighbor": {
      const entry = readNeighbor(event.value, known.vtepNames);
      return isPermanent(event.value) ? ofEntry(event.event, entry) : weakened(entry, known);
    }
    case "fdb":
      return ofEntry(event.event, readFdb(event.value, known.vtepNames));
  }
}

function ofEntry(event: "new" | "delete", entry: Entry | undefined): Meaning {
  return entry && { key: keyOf(entry), entry: event === "new" ? entry : undefined };
}

/** A neighbour that is not permanent any more goes by itself. One that is nobody's is the kernel's own. */
function weakened(entry: Entry | undefined, { wanted }: Known): Meaning {
  return entry && wanted.get(keyOf(entry)) ? { key: keyOf(entry), entry: undefined } : undefined;
}

type LinkEvent = Extract<RoutingEvent, { object: "link" }>;

function linkMeaning({ event, value }: LinkEvent, { vteps, underlays, names, vtepNames, isVtep }: Known): Meaning {
  const { index, name = "", flags, mtu, address, group } = value;
  // Pods come and go all the time: where a family has no underlay, each would be a look at everything.
  if (group === podLinkGroup || group === goingLinkGroup) return undefined;
  const vtep = vteps.find((wanted) => wanted.name === name);
  if (isVtep(name) || vtepNames.has(index)) {
    if (event === "delete") return names.get(index) === name ? "observe" : undefined;
    const asWanted = vtep !== undefined && address === vtep.mac && mtu === vtep.mtu && flags.includes("up");
    return asWanted && names.get(index) === name ? undefined : "observe";
  }
  const under = Object.values(underlays).find((one) => one.index === index);
  // Where an address is not found its link may have come with it, or come up.
  if (!under) return Object.keys(underlays).length === 2 || event === "delete" ? undefined : "observe";
  const same = event === "new" && flags.includes("up") && mtu === under.mtu && name === under.device;
  return same ? undefined : "observe";
}

type AddressEvent = Extract<RoutingEvent, { object: "address" }>;

/** The last IPv4 address takes the link's routes along, without a word (fib_disable_ip). */
function vtepAddressMeaning({ event, value }: AddressEvent, { vtepNames, wanted }: Known): Meaning {
  const entry = readAddress(value, vtepNames);
  return event === "delete" && entry && wanted.get(keyOf(entry)) ? "observe" : ofEntry(event, entry);
}

function addressMeaning({ value }: AddressEvent, { underlays }: Known): Meaning {
  const { index, local, address, family, scope } = value;
  // The kernel's own of each link (fe80::/64), told of again when DAD ends, and what each pod's link has: no node's
  // address, no node's subnet.
  if (family === "ip6" && scope === "link") return undefined;
  if (local === routerAddress.IPv4) return undefined;
  const known = Object.values(underlays);
  const concerns = known.length < 2 || known.some((one) => one.index === index || one.address === (local ?? address));
  return concerns ? "observe" : undefined;
}

type RouteEvent = Extract<RoutingEvent, { object: "route" }>;

function routeMeaning({ event, value }: RouteEvent, { names, wanted }: Known): Meaning {
  const entry = readRoute(value, names);
  if (!entry) return undefined;
  const key = keyOf(entry);
  if (isOursRoute(value)) return { key, entry: event === "new" ? entry : undefined };
  // Somebody else's, in the place of one that is wanted: the kernel tells of the new one alone (NLM_F_REPLACE).
  return event === "new" && wanted.get(key) ? { key, entry: undefined } : undefined;
}

export function isNews({ key, entry }: Exclude<Meaning, "observe" | undefined>, { wanted }: Known): boolean {
  const should = wanted.get(key);
  if (!entry || !should) return entry !== should;
  return !sameEntry(entry, should);
}
