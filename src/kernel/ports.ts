/** The ports to the kernel: small interfaces in terms of data, each with a real and a fake implementation. */
import type { FairleadError } from "../errors/catalogue.ts";
import type { NftElement, NftTable, NftTableRef } from "./netlink/nftables/state.ts";
import type { NftStep } from "./netlink/nftables/step.ts";
import type { Address, AddressSpec } from "./netlink/rtnetlink/address.ts";
import type { Link, LinkSpec } from "./netlink/rtnetlink/link.ts";
import type { Neighbor, NeighborSpec } from "./netlink/rtnetlink/neighbor.ts";
import type { Route, RouteSpec } from "./netlink/rtnetlink/route.ts";
import type { Rule, RuleSpec } from "./netlink/rtnetlink/rule.ts";
import type { Filter, FilterSpec, Qdisc, QdiscSpec } from "./netlink/rtnetlink/tc.ts";

// ── Routing: links, addresses, routes, rules, neighbours, forwarding entries, traffic control ────────────────

/** The objects of rtnetlink as requests give them. Header fields left out get the kernel's usual values. */
export interface RoutingValues {
  readonly link: LinkSpec;
  readonly address: AddressSpec;
  readonly route: RouteSpec;
  readonly rule: RuleSpec;
  readonly neighbor: NeighborSpec;
  /** Forwarding entry of a bridge (flags master) or a VXLAN device (flags self, the default with a destination). */
  readonly fdb: NeighborSpec;
  readonly qdisc: QdiscSpec;
  readonly filter: FilterSpec;
}

export type RoutingObject = keyof RoutingValues;

/**
 * The verbs that the kernel has for each object. `add` refuses what is there already (EEXIST),
 * `replace` takes its place or makes it, `change` wants it to be there, `append` puts another beside it.
 * What a route, a neighbour or a filter is replaced by is found by its key alone (a filter's is its handle
 * with parent, protocol and priority: without a handle it is always a new one).
 */
export interface RoutingVerbs {
  readonly link: "add" | "change" | "delete";
  readonly address: "add" | "replace" | "delete";
  readonly route: "add" | "replace" | "change" | "append" | "delete";
  readonly rule: "add" | "delete";
  readonly neighbor: "add" | "replace" | "change" | "delete";
  readonly fdb: "add" | "replace" | "append" | "delete";
  readonly qdisc: "add" | "replace" | "change" | "delete";
  readonly filter: "add" | "replace" | "change" | "delete";
}

export interface RoutingStep<O extends RoutingObject, V extends RoutingVerbs[O]> {
  readonly verb: V;
  readonly object: O;
  readonly value: RoutingValues[O];
}

/** One change of the kernel's network state: a verb, the kind of object, and the object. */
export type RoutingChange = {
  [O in RoutingObject]: { [V in RoutingVerbs[O]]: RoutingStep<O, V> }[RoutingVerbs[O]];
}[RoutingObject];

/** A function for every verb of every object: one that is missing does not compile. */
export type RoutingExecutors<R> = {
  readonly [O in RoutingObject]: { readonly [V in RoutingVerbs[O]]: (value: RoutingValues[O]) => R };
};

export interface RouteFilter {
  readonly family?: "ip" | "ip6";
  /** Default: every table but `local` (255), which the kernel keeps for itself. */
  readonly table?: number;
  readonly protocol?: Route["protocol"];
  readonly kind?: Route["kind"];
  /** Index of a link. */
  readonly outInterface?: number;
}

/** What a watcher is told. The kernel sends no event for IPv4 routes that go with their link (down or deleted). */
export type RoutingEvent =
  | { readonly event: "new" | "delete"; readonly object: "link"; readonly value: Link }
  | { readonly event: "new" | "delete"; readonly object: "address"; readonly value: Address }
  | { readonly event: "new" | "delete"; readonly object: "route"; readonly value: Route }
  | { readonly event: "new" | "delete"; readonly object: "neighbor" | "fdb"; readonly value: Neighbor }
  /** Events were lost: observe again. */
  | { readonly event: "overrun" }
  /** The watch has ended by itself; no event follows. */
  | { readonly event: "failed"; readonly error: FairleadError };

/**
 * The network state of one namespace. Sources: rtnetlink(7), the uapi headers that the codecs in
 * netlink/rtnetlink name.
 *
 * Lists throw NETLINK_INTERRUPTED, NETLINK_OVERRUN or NETLINK_TIMEOUT (all retryable) when they cannot
 * be read whole, and NETLINK_REFUSED with ENODEV for a link that does not exist.
 */
export interface RoutingPort {
  /** `statistics` are left out unless they are asked for: they are most of a link's bytes. */
  links(filter?: { readonly kind?: string; readonly master?: number; readonly statistics?: boolean }): Promise<Link[]>;
  addresses(filter?: { readonly family?: "ip" | "ip6"; readonly index?: number }): Promise<Address[]>;
  /** A table that does not exist has no routes. */
  routes(filter?: RouteFilter): Promise<Route[]>;
  rules(filter?: { readonly family?: "ip" | "ip6" }): Promise<Rule[]>;
  neighbors(filter?: { readonly family?: "ip" | "ip6"; readonly index?: number }): Promise<Neighbor[]>;
  /** Forwarding entries of link `index`: of the port where it is a bridge's, and of the device itself. */
  fdb(filter?: { readonly index?: number; readonly master?: number }): Promise<Neighbor[]>;
  qdiscs(filter?: { readonly index?: number }): Promise<Qdisc[]>;
  filters(filter: { readonly index: number; readonly parent: Filter["parent"] }): Promise<Filter[]>;
  /**
   * Carries changes out one by one, in order; one that is refused does not stop the next.
   *
   * @returns for each change null, or NETLINK_REFUSED with the kernel's errno and words
   * @throws FairleadError NETLINK_ENCODE for a value that does not fit: earlier changes may have been made.
   *   NETLINK_OVERRUN, NETLINK_TIMEOUT: outcomes are unknown, observe and plan again
   */
  apply(changes: readonly RoutingChange[]): Promise<readonly (FairleadError | null)[]>;
  /** Tells of links, addresses, routes (of every table), neighbours and forwarding entries as they change. */
  watch(onEvent: (event: RoutingEvent) => void): Promise<{ close(): void }>;
  /** Closes the port and its watches. Idempotent. */
  close(): void;
}

// ── nf_tables: tables, chains, rules, sets, maps, objects ─────────────────────────────────────────────────────

/** What happened to the rulesets of a namespace. */
export type NftChange =
  | {
      readonly what: "changed";
      /** Tables that the transaction touched. */
      readonly tables: readonly NftTableRef[];
      readonly generation: number;
      /** Of the socket that made the change. */
      readonly portId: number;
    }
  /** Events were lost: anything may have changed. */
  | { readonly what: "overrun" }
  /** No more events come. */
  | { readonly what: "failed"; readonly error: FairleadError };

/** nf_tables of one network namespace. Rejections are FairleadErrors that carry the kernel's errno. */
export interface NftablesPort {
  /**
   * Carries the steps out in order, all of them or none.
   *
   * @throws FairleadError NFTABLES_REFUSED which names the step, NETLINK_ENCODE, NETLINK_OVERRUN or NETLINK_TIMEOUT
   */
  transact(steps: readonly NftStep[]): Promise<void>;
  /** A table whole as it was at one generation, or undefined. @throws FairleadError NETLINK_INTERRUPTED */
  list(table: NftTableRef): Promise<NftTable | undefined>;
  /** Elements in the kernel's order, which is none. @throws FairleadError NETLINK_REFUSED, ENOENT */
  listElements(table: NftTableRef, set: string): Promise<readonly NftElement[]>;
  /** Counts the transactions of the namespace. */
  generation(): Promise<number>;
  /** Calls back after each transaction, whoever made it, until the watch is closed. */
  watch(onChange: (change: NftChange) => void): Promise<{ close(): void }>;
  /** Idempotent. Watches are closed on their own. */
  close(): void;
}
