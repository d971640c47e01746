import type { IpAddress } from "../../../model/address.ts";
import { routeTable } from "../../netlink/rtnetlink/common.ts";
import { wholeRoute } from "../../netlink/rtnetlink/requests.ts";
import type { Route, RouteSpec } from "../../netlink/rtnetlink/route.ts";
import type { RouteFilter, RoutingExecutors } from "../../ports.ts";
import { compareAddresses, covers, maskedTo } from "./prefix.ts";
import { isUp, onlyFields, Refusal, unmodelled, type ErrnoName, type Namespace } from "./state.ts";

const fields = new Set([
  ...["family", "destination", "destinationPrefixLength", "sourcePrefixLength", "tos", "protocol", "scope", "kind"],
  ...["flags", "outInterface", "gateway", "priority", "preferredSource", "metrics", "table", "mark"],
]);

const deadEnds = new Set(["blackhole", "unreachable", "prohibit", "throw"]);

export function routeExecutors(ns: Namespace): RoutingExecutors<void>["route"] {
  return {
    add: (v) => {
      const route = checked(ns, v);
      if (ns.routes.some((other) => sameKey(other, route))) throw new Refusal("EEXIST");
      store(ns, route, ns.routes.length);
    },
    replace: (v) => {
      const route = checked(ns, v);
      const at = ns.routes.findIndex((other) => sameKey(other, route));
      store(ns, route, at < 0 ? ns.routes.length : at);
    },
    change: (v) => {
      const route = checked(ns, v);
      const at = ns.routes.findIndex((other) => sameKey(other, route));
      if (at < 0) throw new Refusal("ENOENT");
      store(ns, route, at);
    },
    append: (v) => {
      const route = checked(ns, v);
      if (route.family === "ip6") throw unmodelled("IPv6's appending, which makes one route with several next hops");
      if (ns.routes.some((other) => matches(other, route))) throw new Refusal("EEXIST");
      store(ns, route, ns.routes.length);
    },
    delete: (v) => deleteRoute(ns, v),
  };
}

export function listRoutes(ns: Namespace, filter: RouteFilter): Route[] {
  if (filter.table === routeTable.local) throw unmodelled("the local table");
  const named = Object.entries(filter).filter(([, value]) => value !== undefined);
  return ns.routes
    .filter((route) => named.every(([name, value]) => route[name as keyof RouteFilter] === value))
    .sort(inOrder);
}

/** As the kernel's tries give them out. */
function inOrder(a: Route, b: Route): number {
  return (
    Number(a.family === "ip6") - Number(b.family === "ip6") ||
    compareAddresses(a.destination, b.destination) ||
    a.destinationPrefixLength - b.destinationPrefixLength ||
    (a.priority ?? 0) - (b.priority ?? 0)
  );
}

function sameKey(a: Route, b: Route): boolean {
  return (
    a.family === b.family &&
    a.table === b.table &&
    a.destination === b.destination &&
    a.destinationPrefixLength === b.destinationPrefixLength &&
    a.tos === b.tos &&
    (a.priority ?? 0) === (b.priority ?? 0)
  );
}

function store(ns: Namespace, route: Route, at: number): void {
  ns.routes[at] = route;
  ns.emit({ event: "new", object: "route", value: route });
}

/** The route as the kernel would hold it, once it has been found good. */
function checked(ns: Namespace, v: RouteSpec): Route {
  onlyFields(v, fields, "a route");
  const route = normal(wholeRoute(v));
  if (deadEnds.has(route.kind)) return deadEnd(route);
  // IPv4 looks for the gateway first, and finds none on a link that is not there.
  const gatewayFirst = route.family === "ip" && route.gateway !== undefined && !route.flags.includes("onlink");
  if (route.outInterface !== undefined && !gatewayFirst) ns.link(route.outInterface);
  if (route.kind !== "unicast" && route.kind !== "local") throw unmodelled(`a ${route.kind} route`);
  if (route.gateway === undefined && route.outInterface === undefined) throw new Refusal("ENODEV");
  const found = route.gateway === undefined ? direct(ns, route) : through(ns, route, route.gateway);
  checkSource(ns, found);
  return found;
}

function checkSource(ns: Namespace, { preferredSource }: Route): void {
  if (preferredSource === undefined) return;
  const owners = ns.addresses.filter((own) => (own.local ?? own.address) === preferredSource);
  if (owners.length === 0) throw new Refusal("EINVAL");
  if (!owners.some((own) => isUp(ns.link(own.index)))) throw unmodelled("a source address on a link that is down");
}

function normal(route: Route): Route {
  const table = route.table || routeTable.main;
  if (table === routeTable.local) throw unmodelled("the local table");
  const whole = { ...route, table };
  if (whole.destinationPrefixLength === 0) delete whole.destination;
  else whole.destination ??= (whole.family === "ip6" ? "::" : "0.0.0.0") as IpAddress;
  if (whole.family === "ip6") whole.priority ||= 1024;
  else if (whole.priority === 0) delete whole.priority;
  if (whole.destination === undefined) return whole;
  const destination = maskedTo(whole.destination, whole.destinationPrefixLength);
  // IPv6 clears what stands behind the prefix, IPv4 refuses it.
  if (whole.family === "ip" && destination !== whole.destination) throw new Refusal("EINVAL");
  return { ...whole, destination };
}

function deadEnd(route: Route): Route {
  if (route.family === "ip6") return { ...route, outInterface: 1 };
  if (route.outInterface !== undefined || route.gateway !== undefined) throw new Refusal("EINVAL");
  return route;
}

function direct(ns: Namespace, route: Route): Route {
  if (!isUp(ns.link(route.outInterface!))) throw new Refusal("ENETDOWN");
  return route;
}

/** The gateway must be on a link, by a route without a gateway that covers it, unless the route says that it is. */
function through(ns: Namespace, route: Route, gateway: IpAddress): Route {
  if (ns.addresses.some((own) => own.address === gateway)) throw unmodelled("a gateway that is an own address");
  const linkLocal = gateway.startsWith("fe80:");
  if (route.flags.includes("onlink") || linkLocal) {
    if (route.outInterface === undefined) throw new Refusal(linkLocal ? "EINVAL" : "ENODEV");
    return direct(ns, route);
  }
  const [way] = ns.routes
    .filter((other) => leadsTo(other, route, gateway))
    .sort((a, b) => b.destinationPrefixLength - a.destinationPrefixLength);
  const unreachable: ErrnoName = route.family === "ip" ? "ENETUNREACH" : "EHOSTUNREACH";
  if (!way) throw new Refusal(unreachable, "Nexthop has invalid gateway");
  return { ...route, outInterface: way.outInterface! };
}

function leadsTo(way: Route, route: Route, gateway: IpAddress): boolean {
  return (
    way.family === route.family &&
    way.kind === "unicast" &&
    way.gateway === undefined &&
    (way.table === routeTable.main || way.table === route.table) &&
    (route.outInterface === undefined || way.outInterface === route.outInterface) &&
    covers(way.destination, way.destinationPrefixLength, gateway)
  );
}

const compared = ["outInterface", "gateway", "priority", "preferredSource"] as const;

/** Whether a route is what a request to delete means: what the request leaves open is not compared. */
function matches(route: Route, wanted: Route): boolean {
  return (
    route.family === wanted.family &&
    route.table === wanted.table &&
    route.destination === wanted.destination &&
    route.destinationPrefixLength === wanted.destinationPrefixLength &&
    route.tos === wanted.tos &&
    (wanted.kind === "unspec" || route.kind === wanted.kind) &&
    (wanted.protocol === "unspec" || route.protocol === wanted.protocol) &&
    (wanted.scope === "nowhere" || wanted.family === "ip6" || route.scope === wanted.scope) &&
    compared.every((name) => wanted[name] === undefined || route[name] === wanted[name])
  );
}

function deleteRoute(ns: Namespace, v: RouteSpec): void {
  onlyFields(v, fields, "a route");
  const wanted = normal(wholeRoute({ kind: "unspec", protocol: "unspec", scope: "nowhere", ...v }));
  if (v.priority === undefined) delete wanted.priority;
  const at = ns.routes.findIndex((route) => matches(route, wanted));
  if (at < 0) throw new Refusal("ESRCH");
  const [gone] = ns.routes.splice(at, 1);
  ns.emit({ event: "delete", object: "route", value: gone! });
}
