/** Turns a change of the network state into the one request that makes it. Pure. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { RoutingChange, RoutingExecutors, RoutingObject, RoutingValues } from "../../ports.ts";
import { flag, type AnyRequest } from "../codec/message.ts";
import { addressMessage, type Address, type AddressSpec } from "./address.ts";
import { routeMessage as message, type Family } from "./common.ts";
import { linkMessage, noLinkHeader, type LinkSpec } from "./link.ts";
import { neighborMessage, type Neighbor, type NeighborSpec } from "./neighbor.ts";
import { routeEntryMessage, type Route, type RouteSpec } from "./route.ts";
import { ruleMessage, type Rule, type RuleSpec } from "./rule.ts";
import {
  filterMessage,
  ingressHandle,
  qdiscMessage,
  type Filter,
  type FilterSpec,
  type Qdisc,
  type QdiscSpec,
} from "./tc.ts";

/** NLM_F_* of each verb (rtnetlink(7)). */
const verbFlags = {
  add: flag.create | flag.exclusive,
  replace: flag.create | flag.replace,
  change: flag.replace,
  append: flag.create | flag.append,
  delete: 0,
} as const;

const { add, replace, change, append } = verbFlags;

const requests: RoutingExecutors<AnyRequest> = {
  link: {
    add: (v) => request(message.newLink, add, linkMessage, { ...noLinkHeader, ...v }),
    // NLM_F_REPLACE would be refused: the kernel changes a link by a request without flags.
    change: (v) => request(message.newLink, 0, linkMessage, { ...noLinkHeader, ...certain(v) }),
    // A group that is named as such means every link of it; the kernel refuses the group 0, in which all begin.
    delete: (v) => request(message.deleteLink, 0, linkMessage, { ...noLinkHeader, ...(v.group ? v : certain(v)) }),
  },
  address: {
    add: (v) => request(message.newAddress, add, addressMessage, wholeAddress(v)),
    replace: (v) => request(message.newAddress, replace, addressMessage, wholeAddress(v)),
    delete: (v) => request(message.deleteAddress, 0, addressMessage, wholeAddress(v)),
  },
  route: {
    add: (v) => request(message.newRoute, add, routeEntryMessage, wholeRoute(v)),
    replace: (v) => request(message.newRoute, replace, routeEntryMessage, wholeRoute(v)),
    change: (v) => request(message.newRoute, change, routeEntryMessage, wholeRoute(v)),
    append: (v) => request(message.newRoute, append, routeEntryMessage, wholeRoute(v)),
    delete: (v) => request(message.deleteRoute, 0, routeEntryMessage, anyRoute(v)),
  },
  rule: {
    add: (v) => request(message.newRule, add, ruleMessage, wholeRule(v, "lookup")),
    delete: (v) => request(message.deleteRule, 0, ruleMessage, wholeRule(v, "unspec")),
  },
  neighbor: {
    add: (v) => request(message.newNeighbor, add, neighborMessage, wholeNeighbor(v)),
    replace: (v) => request(message.newNeighbor, replace, neighborMessage, wholeNeighbor(v)),
    change: (v) => request(message.newNeighbor, change, neighborMessage, wholeNeighbor(v)),
    delete: (v) => request(message.deleteNeighbor, 0, neighborMessage, wholeNeighbor(v)),
  },
  fdb: {
    add: (v) => request(message.newNeighbor, add, neighborMessage, wholeFdbEntry(v)),
    replace: (v) => request(message.newNeighbor, replace, neighborMessage, wholeFdbEntry(v)),
    append: (v) => request(message.newNeighbor, append, neighborMessage, wholeFdbEntry(v)),
    delete: (v) => request(message.deleteNeighbor, 0, neighborMessage, wholeFdbEntry(v)),
  },
  qdisc: {
    add: (v) => request(message.newQdisc, add, qdiscMessage, wholeQdisc(v)),
    replace: (v) => request(message.newQdisc, replace, qdiscMessage, wholeQdisc(v)),
    change: (v) => request(message.newQdisc, 0, qdiscMessage, wholeQdisc(v)),
    delete: (v) => request(message.deleteQdisc, 0, qdiscMessage, wholeQdisc(v)),
  },
  filter: {
    add: (v) => request(message.newFilter, add, filterMessage, wholeFilter(v)),
    // The kernel finds a filter by its handle, with or without NLM_F_REPLACE.
    replace: (v) => request(message.newFilter, flag.create, filterMessage, wholeFilter(v)),
    change: (v) => request(message.newFilter, 0, filterMessage, wholeFilter(v)),
    delete: (v) => request(message.deleteFilter, 0, filterMessage, wholeFilter(v)),
  },
};

/** @throws FairleadError NETLINK_ENCODE where the change does not say which object it means */
export function routingRequest(change: RoutingChange): AnyRequest {
  return execute(requests, change);
}

/** What a change attempts, as it follows "cannot": "add route 10.0.0.0/24 via 10.1.0.1 dev 3". */
export function describeRouting({ verb, object, value }: RoutingChange): string {
  const v = value as Readonly<Record<string, string | number | undefined>>;
  const words: string[] = [verb, object];
  for (const [name, word] of identity) {
    if (v[name] === undefined) continue;
    const length = v[name === "destination" ? "destinationPrefixLength" : "prefixLength"];
    const suffix = (name === "destination" || name === "local") && length !== undefined ? `/${length}` : "";
    words.push(`${word}${v[name]}${suffix}`);
  }
  return words.join(" ");
}

/** The fields that tell one object from another, with the word that stands before each. */
const identity = [
  ["kind", ""],
  ["name", ""],
  ["linkAddress", ""],
  ["local", ""],
  ["destination", ""],
  ["gateway", "via "],
  ["index", "dev "],
  ["outInterface", "dev "],
  ["parent", "parent "],
  ["table", "table "],
  ["priority", "priority "],
] as const;

/** Calls the executor of a change. */
export function execute<R>(executors: RoutingExecutors<R>, { object, verb, value }: RoutingChange): R {
  // The table has a function for each pair of the union; TypeScript does not follow the pair through two look-ups.
  const byVerb = executors[object] as Readonly<Record<string, (value: RoutingValues[RoutingObject]) => R>>;
  return byVerb[verb]!(value);
}

function request(type: number, flags: number, codec: AnyRequest["codec"], body: unknown): AnyRequest {
  return { type, flags, codec, body };
}

/** With neither index nor name the kernel would take a group, and change or delete every link of it. */
function certain(v: LinkSpec): LinkSpec {
  if (v.index || v.name !== undefined || v.altName !== undefined) return v;
  throw new FairleadError("NETLINK_ENCODE", {
    subject: "link.index",
    reason: "neither index nor name says which link",
  });
}

/** With IFA_LOCAL alone IPv4 would delete the address whatever its prefix: IFA_ADDRESS makes it compare that too. */
export function wholeAddress(v: AddressSpec): Address {
  const family = v.family ?? familyOf(v.local ?? v.address, "address");
  const both = family === "ip" && v.local !== undefined && v.address === undefined ? { address: v.local } : {};
  return { scope: "universe", ...both, ...v, family };
}

const zeroRoute = { tos: 0, flags: [], protocol: "static", kind: "unicast" } as const;

/** A route to be made; a destination without a length is a host. */
export function wholeRoute(v: RouteSpec): Route {
  const family = v.family ?? familyOf(v.destination ?? v.gateway ?? v.nextHops?.[0]?.gateway, "route");
  return {
    family,
    destinationPrefixLength: lengthOf(v.destination),
    sourcePrefixLength: lengthOf(v.source),
    ...zeroRoute,
    scope: scopeOf(v, family),
    ...v,
  };
}

/** A route to be deleted: what it does not say is not compared (RT_SCOPE_NOWHERE matches any scope). */
function anyRoute(v: RouteSpec): Route {
  return wholeRoute({ scope: "nowhere", kind: "unspec", protocol: "unspec", ...v });
}

/** IPv4 wants the scope that fits: a route without a gateway ends on the link. IPv6 has no scopes. */
function scopeOf(v: RouteSpec, family: Family): Route["scope"] {
  if (family !== "ip" || v.gateway !== undefined || v.via || v.nextHops || v.nextHopId) return "universe";
  const kind = v.kind ?? "unicast";
  if (kind === "local") return "host";
  return kind === "unicast" || kind === "broadcast" || kind === "anycast" ? "link" : "universe";
}

export function wholeRule(v: RuleSpec, action: Rule["action"]): Rule {
  const address = v.destination ?? v.source;
  return {
    family: address === undefined ? "ip" : familyOf(address, "rule"),
    destinationPrefixLength: lengthOf(v.destination),
    sourcePrefixLength: lengthOf(v.source),
    tos: 0,
    action,
    flags: [],
    ...v,
  };
}

export function wholeNeighbor(v: NeighborSpec): Neighbor {
  const family = v.family ?? familyOf(v.destination, "neighbor");
  return { state: "permanent", flags: [], kind: "unspec", ...v, family };
}

/** A bridge takes "permanent" for an address of its own: what is to be forwarded is "noarp" there. */
export function wholeFdbEntry(v: NeighborSpec): Neighbor {
  const flags = v.flags ?? (v.destination === undefined ? ["master"] : ["self"]);
  const state = flags.includes("self") ? "permanent" : "noarp";
  return { state, kind: "unspec", ...v, flags, family: "bridge" };
}

export function wholeQdisc(v: QdiscSpec): Qdisc {
  const handle = v.kind === "clsact" || v.kind === "ingress" ? ingressHandle : 0;
  return { family: "unspec", handle, references: 0, ...v };
}

export function wholeFilter(v: FilterSpec): Filter {
  return { family: "unspec", handle: 0, ...v };
}

function familyOf(address: string | undefined, object: string): Family {
  if (address !== undefined) return address.includes(":") ? "ip6" : "ip";
  throw new FairleadError("NETLINK_ENCODE", {
    subject: `${object}.family`,
    reason: "neither a family nor an address says which it is",
  });
}

function lengthOf(address: string | undefined): number {
  if (address === undefined) return 0;
  return address.includes(":") ? 128 : 32;
}
