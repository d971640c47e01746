/** Entries ⇄ the objects of rtnetlink. */
import type { Address } from "../../kernel/netlink/rtnetlink/address.ts";
import { routeTable } from "../../kernel/netlink/rtnetlink/common.ts";
import type { Neighbor } from "../../kernel/netlink/rtnetlink/neighbor.ts";
import type { Route } from "../../kernel/netlink/rtnetlink/route.ts";
import type { RoutingChange } from "../../kernel/ports.ts";
import { macText, macBytes, type IpAddress, type MacAddress } from "../../model/address.ts";
import { parseCidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import type { AddressEntry, Entry, FdbEntry, NeighborEntry, RouteEntry } from "./state.ts";

/** Indexes of links by their names. */
export type Devices = ReadonlyMap<string, number>;

/** RTPROT_*: marks routes as the overlay's. Numbers that nobody has registered (iproute2, etc/iproute2/rt_protos). */
export const routeProtocol = "#107";
/** Any route that somebody has for the same range comes before. */
export const unreachablePriority = 65_535;
/** IP6_RT_PRIO_USER: what IPv6's routes have where a request gives none. */
const ipv6Priority = 1024;

const families = { IPv4: "ip", IPv6: "ip6" } as const;

/** @returns undefined where the entry's link is gone, and the entry with it */
export function renderEntry(verb: "replace" | "delete", entry: Entry, devices: Devices): RoutingChange | undefined {
  const index = entry.device === undefined ? 0 : devices.get(entry.device);
  if (index === undefined) return undefined;
  switch (entry.kind) {
    case "address":
      return { verb, object: "address", value: renderAddress(entry, index) };
    case "route":
      return { verb, object: "route", value: renderRoute(entry, index) };
    case "neighbor":
      return { verb, object: "neighbor", value: { index, destination: entry.address, linkAddress: entry.mac } };
    case "fdb":
      return { verb, object: "fdb", value: { index, destination: entry.address, linkAddress: entry.mac } };
  }
}

function renderAddress({ family, address, prefix }: AddressEntry, index: number) {
  const own = family === "IPv4" ? { local: address } : { address, flags: ["noDad"] as const };
  return { family: families[family], index, prefixLength: prefix, ...own };
}

function renderRoute({ family, destination, gateway, onlink, device }: RouteEntry, index: number) {
  const { address, prefix } = parseCidr(destination)!;
  const where = { destination: address, destinationPrefixLength: prefix };
  const common = { family: families[family], table: routeTable.main, protocol: routeProtocol, ...where } as const;
  if (device === undefined) return { ...common, kind: "unreachable", priority: unreachablePriority } as const;
  return {
    ...common,
    outInterface: index,
    ...(gateway === undefined ? {} : { gateway }),
    ...(onlink ? { flags: ["onlink"] as const } : {}),
  };
}

/** Names of links by their indexes. */
export type Names = ReadonlyMap<number, string>;

/** The entry that an address of a VTEP is; undefined: none that anybody sets. */
export function readAddress({ family, index, local, address, prefixLength, scope }: Address, vteps: Names) {
  const device = vteps.get(index);
  const own = local ?? address;
  if (device === undefined || own === undefined || scope === "link") return undefined;
  return { kind: "address", family: familyOf(family), device, address: own, prefix: prefixLength } as AddressEntry;
}

/** What a route is, whoever made it, where ours could be in its place; undefined: somewhere else. */
export function readRoute(route: Route, names: Names): RouteEntry | undefined {
  const { family, destination, destinationPrefixLength, outInterface, gateway, flags, table, kind, tos } = route;
  if (table !== routeTable.main || destination === undefined || tos !== 0 || route.nextHops) return undefined;
  const text = `${destination}/${destinationPrefixLength}`;
  const base = { kind: "route", family: familyOf(family), destination: text } as const;
  if (kind === "unreachable") return route.priority === unreachablePriority ? base : undefined;
  if (kind !== "unicast" || (route.priority ?? 0) !== (family === "ip6" ? ipv6Priority : 0)) return undefined;
  return {
    ...base,
    device: names.get(outInterface ?? 0) ?? `#${outInterface}`,
    ...(gateway === undefined ? {} : { gateway }),
    ...(flags.includes("onlink") ? { onlink: true } : {}),
  };
}

export function isOursRoute({ protocol }: Route): boolean {
  return protocol === routeProtocol;
}

/** The entry that a neighbour on a VTEP is. */
export function readNeighbor({ family, index, destination, linkAddress }: Neighbor, vteps: Names) {
  const device = vteps.get(index);
  if (device === undefined || destination === undefined || (family !== "ip" && family !== "ip6")) return undefined;
  const mac = macOf(linkAddress);
  return { kind: "neighbor", family: familyOf(family), device, address: destination, mac } as NeighborEntry;
}

/** The entry that a forwarding entry of a VTEP is. */
export function readFdb({ index, destination, linkAddress }: Neighbor, vteps: Names): FdbEntry | undefined {
  const device = vteps.get(index);
  if (device === undefined || linkAddress === undefined) return undefined;
  return { kind: "fdb", device, mac: macOf(linkAddress), address: destination ?? ("" as IpAddress) };
}

export function isPermanent({ state }: Neighbor): boolean {
  return state === "permanent";
}

function familyOf(family: string): IpFamily {
  return family === "ip6" ? "IPv6" : "IPv4";
}

function macOf(text: string | undefined): MacAddress {
  const bytes = text === undefined ? undefined : macBytes(text);
  return (bytes && macText(bytes)) ?? ("" as MacAddress);
}
