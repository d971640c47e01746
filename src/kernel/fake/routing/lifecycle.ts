/** What happens to addresses, routes and neighbours when their link comes, goes, or is brought up or down. */
import type { IpAddress } from "../../../model/address.ts";
import { routeTable } from "../../netlink/rtnetlink/common.ts";
import type { Address } from "../../netlink/rtnetlink/address.ts";
import { wholeRoute } from "../../netlink/rtnetlink/requests.ts";
import type { Route } from "../../netlink/rtnetlink/route.ts";
import { maskedTo } from "./prefix.ts";
import { isUp, type FakeLink, type Namespace } from "./state.ts";

export function bringUp(ns: Namespace, link: FakeLink): void {
  if (link.value.hardwareType === "loopback") addLoopbackAddresses(ns);
  for (const address of ns.addresses) if (address.index === link.value.index) addSubnetRoute(ns, address);
}

/** IPv4 loses its routes and keeps its addresses; IPv6 loses both (keep_addr_on_down is 0). */
export function bringDown(ns: Namespace, link: FakeLink): void {
  const { index } = link.value;
  removeRoutes(ns, (route) => route.outInterface === index);
  removeAddresses(ns, (address) => address.index === index && address.family === "ip6");
  removeNeighbors(ns, index);
}

export function forgetLink(ns: Namespace, link: FakeLink): void {
  const { index } = link.value;
  bringDown(ns, link);
  removeAddresses(ns, (address) => address.index === index);
  ns.fdb = ns.fdb.filter((entry) => entry.index !== index && entry.master !== index);
  ns.qdiscs = ns.qdiscs.filter((qdisc) => qdisc.index !== index);
  ns.filters = ns.filters.filter((filter) => filter.index !== index);
}

function addLoopbackAddresses(ns: Namespace): void {
  const host = { scope: "host", index: 1, flags: ["permanent"] } as const;
  const ip = "127.0.0.1" as IpAddress;
  addOnce(ns, { ...host, family: "ip", prefixLength: 8, address: ip, local: ip, label: "lo" });
  addOnce(ns, { ...host, family: "ip6", prefixLength: 128, address: "::1" as IpAddress });
}

function addOnce(ns: Namespace, address: Address): void {
  if (ns.addresses.some((other) => other.index === address.index && other.address === address.address)) return;
  ns.addresses.push(address);
  ns.emit({ event: "new", object: "address", value: address });
}

/** The kernel's own route to the subnet of an address, in the main table. */
export function addSubnetRoute(ns: Namespace, address: Address): void {
  const link = ns.link(address.index);
  const lone = address.family === "ip" && address.prefixLength === 32;
  if (!isUp(link) || lone || link.value.hardwareType === "loopback") return;
  if (address.flags?.some((flag) => flag === "noPrefixRoute" || (flag === "secondary" && address.family === "ip"))) {
    return;
  }
  const route = subnetRoute(address);
  if (ns.routes.some((other) => sameSubnetRoute(other, route))) return;
  ns.routes.push(route);
  ns.emit({ event: "new", object: "route", value: route });
}

function subnetRoute(address: Address): Route {
  const { index, prefixLength, family } = address;
  const own = address.local ?? address.address!;
  const priority = address.routePriority ?? (family === "ip6" ? 256 : undefined);
  return wholeRoute({
    destination: maskedTo(own, prefixLength),
    destinationPrefixLength: prefixLength,
    outInterface: index,
    table: routeTable.main,
    protocol: "kernel",
    ...(family === "ip" ? { preferredSource: own } : {}),
    ...(priority === undefined ? {} : { priority }),
  });
}

function sameSubnetRoute(a: Route, b: Route): boolean {
  return (
    a.protocol === "kernel" &&
    a.outInterface === b.outInterface &&
    a.destination === b.destination &&
    a.destinationPrefixLength === b.destinationPrefixLength
  );
}

/** What goes with an address: the route to its subnet, and IPv4's routes that have it as their source. */
export function forgetAddress(ns: Namespace, gone: Address): void {
  const route = subnetRoute(gone);
  const shared = ns.addresses.some(
    (other) => other.index === gone.index && sameSubnetRoute({ ...subnetRoute(other), protocol: "kernel" }, route),
  );
  const elsewhere = ns.addresses.some((other) => other.local === gone.local);
  removeRoutes(ns, (other) => {
    if (gone.family === "ip" && !elsewhere && other.preferredSource === gone.local) return true;
    return !shared && sameSubnetRoute(other, route);
  });
  // The last IPv4 address of a link takes IPv4 itself from it (fib_disable_ip).
  const last = gone.family === "ip" && !ns.addresses.some((a) => a.index === gone.index && a.family === "ip");
  if (last) removeRoutes(ns, (other) => other.family === "ip" && other.outInterface === gone.index);
}

export function removeAddresses(ns: Namespace, goes: (address: Address) => boolean): void {
  const gone = ns.addresses.filter(goes);
  ns.addresses = ns.addresses.filter((address) => !goes(address));
  for (const address of gone) ns.emit({ event: "delete", object: "address", value: address });
}

/** IPv4's go without an event, as in the kernel (fib_table_flush). */
function removeRoutes(ns: Namespace, goes: (route: Route) => boolean): void {
  const gone = ns.routes.filter(goes);
  ns.routes = ns.routes.filter((route) => !goes(route));
  for (const route of gone) if (route.family === "ip6") ns.emit({ event: "delete", object: "route", value: route });
}

function removeNeighbors(ns: Namespace, index: number): void {
  const gone = ns.neighbors.filter((neighbor) => neighbor.index === index);
  ns.neighbors = ns.neighbors.filter((neighbor) => neighbor.index !== index);
  for (const neighbor of gone) ns.emit({ event: "delete", object: "neighbor", value: neighbor });
}
