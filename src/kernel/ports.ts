/** The ports to the kernel: small interfaces in terms of data, each with a real and a fake implementation. */
import type { FairleadError } from "../errors/catalogue.ts";
import type { IpAddress } from "../model/address.ts";
import type { IpFamily, RelayedCount } from "../model/service.ts";
import type { ConntrackEntry } from "./netlink/ctnetlink/entry.ts";
import type { ConntrackFilter } from "./netlink/ctnetlink/filter.ts";
import type { ConntrackEventType } from "./netlink/ctnetlink/messages.ts";
import type { GenericCall, GenericFamily, GenericMessage } from "./netlink/genetlink.ts";
import type { Ipset, IpsetElement } from "./netlink/ipset/set.ts";
import type { IpsetStep } from "./netlink/ipset/step.ts";
import type { IpvsInfo } from "./netlink/ipvs/messages.ts";
import type {
  IpvsServiceKey,
  IpvsServiceWithDestinations,
  IpvsTimeouts,
  ListedIpvsService,
} from "./netlink/ipvs/service.ts";
import type { IpvsStep } from "./netlink/ipvs/step.ts";
import type { NftElement, NftTable, NftTableRef } from "./netlink/nftables/state.ts";
import type { NftStep } from "./netlink/nftables/step.ts";
import type { Address, AddressSpec } from "./netlink/rtnetlink/address.ts";
import type { Link, LinkSpec, LinkState } from "./netlink/rtnetlink/link.ts";
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
  /** A deletion that names a group instead of a link means every link of it. */
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

/** What a watcher can be told of. */
export type WatchedObject = "link" | "address" | "route" | "neighbor" | "fdb";

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
  links(filter?: { readonly kind?: string; readonly master?: number }): Promise<Link[]>;
  /** One link, without a look at the others; undefined: there is none. */
  link(which: { readonly name: string } | { readonly index: number }): Promise<Link | undefined>;
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
  /**
   * As {@link apply}, and then reads a link, in one go: as it is behind the changes.
   *
   * @returns link: undefined where there is none
   */
  applyAndRead(
    changes: readonly RoutingChange[],
    which: { readonly name: string } | { readonly index: number },
  ): Promise<{ readonly outcomes: readonly (FairleadError | null)[]; readonly link: LinkState | undefined }>;
  /**
   * Tells of links, addresses, routes (of every table), neighbours and forwarding entries as they change.
   *
   * @param objects of these alone, so that others cost nothing; default: of all
   */
  watch(onEvent: (event: RoutingEvent) => void, objects?: readonly WatchedObject[]): Promise<{ close(): void }>;
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
  /** Events were lost: anything may have changed before this, nothing that changes after it is missed. */
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
  /** Of the socket that makes this port's changes: by it a watcher knows them from others'. */
  portId(): Promise<number>;
  /** Calls back after each transaction, whoever made it, until the watch is closed. */
  watch(onChange: (change: NftChange) => void): Promise<{ close(): void }>;
  /** Idempotent. Watches are closed on their own. */
  close(): void;
}

// ── Conntrack: the connections that the kernel tracks ─────────────────────────────────────────────────────────

/** What a watcher of conntrack is told. Entries of events bear fewer fields than those of a list. */
export type ConntrackEvent =
  | { readonly event: ConntrackEventType; readonly entry: ConntrackEntry }
  /** Events were lost: list again. */
  | { readonly event: "overrun" }
  /** The watch has ended by itself; no event follows. */
  | { readonly event: "failed"; readonly error: FairleadError };

/** The conntrack table of one namespace. Source: net/netfilter/nf_conntrack_netlink.c. */
export interface ConntrackPort {
  /** Entries that any of the filters means, all by default. @throws FairleadError NETLINK_OVERRUN, NETLINK_TIMEOUT */
  list(filters?: readonly ConntrackFilter[]): Promise<ConntrackEntry[]>;
  /**
   * Deletes exactly the entries that any of the filters means, in one reading of the table.
   *
   * @returns how many were deleted; those that went by themselves meanwhile do not count
   * @throws FairleadError KERNEL_ARGUMENT for a filter that means every entry: it would cut every connection
   */
  remove(filters: readonly ConntrackFilter[]): Promise<number>;
  /**
   * Deletes just these entries, which a list gave. One that has its tuples since is told apart by its id, which is the
   * same only where the kernel put it in the very place of the old one (nf_ct_get_id).
   *
   * @returns how many were deleted; those that went by themselves meanwhile do not count
   * @throws FairleadError NETLINK_OVERRUN, NETLINK_TIMEOUT: some may be deleted, list again
   */
  delete(entries: readonly ConntrackEntry[]): Promise<number>;
  /** How many entries there are, and the most that there may be. */
  stats(): Promise<{ readonly entries: number; readonly maxEntries: number }>;
  /**
   * Tells of entries as they come, change and go. Nothing is told of entries made while
   * net.netfilter.nf_conntrack_events is 0.
   */
  watch(types: readonly ConntrackEventType[], onEvent: (event: ConntrackEvent) => void): Promise<{ close(): void }>;
  /** Closes the port and its watches. Idempotent. */
  close(): void;
}

// ── ipset: sets of addresses and ports that rules match ───────────────────────────────────────────────────────

/** The ipsets of one namespace. Source: net/netfilter/ipset/ip_set_core.c. */
export interface IpsetPort {
  /** One set or all; a set that is not there is not in the list. */
  list(name?: string): Promise<Ipset[]>;
  /** Whether the set has the element. @throws FairleadError NETLINK_REFUSED, ENOENT without the set */
  has(set: string, element: IpsetElement): Promise<boolean>;
  /**
   * Carries steps out one by one, in order; one that is refused does not stop the next. Of a step with
   * several elements, those before the refused one are in the set (or out of it), later ones may be.
   *
   * @returns for each step null, or NETLINK_REFUSED with the kernel's errno (ipset's own from 4096 on) in words
   * @throws FairleadError NETLINK_ENCODE; NETLINK_OVERRUN and NETLINK_TIMEOUT: outcomes are unknown, list again
   */
  apply(steps: readonly IpsetStep[]): Promise<readonly (FairleadError | null)[]>;
  /** Idempotent. */
  close(): void;
}

// ── IPVS: virtual servers and their real ones ─────────────────────────────────────────────────────────────────

/** IPVS of one namespace: its services are virtual servers, their destinations real ones. Source: ip_vs_ctl.c. */
export interface IpvsPort {
  /** All services without their destinations: one dump. What changes meanwhile may be missing, or come twice. */
  services(): Promise<ListedIpvsService[]>;
  /**
   * Services with their destinations: those of `keys`, or all. One that is not there is not in the list.
   * Each service costs a request of its own.
   */
  list(keys?: readonly IpvsServiceKey[]): Promise<IpvsServiceWithDestinations[]>;
  /**
   * Carries steps out one by one, in order; one that is refused does not stop the next.
   *
   * @returns for each step null, or NETLINK_REFUSED with the kernel's errno
   * @throws FairleadError NETLINK_ENCODE: of more than a thousand steps earlier ones may have been made; NETLINK_OVERRUN
   *   and NETLINK_TIMEOUT: outcomes are unknown, list again
   */
  apply(steps: readonly IpvsStep[]): Promise<readonly (FairleadError | null)[]>;
  timeouts(): Promise<IpvsTimeouts>;
  /** Those that are left out, or 0, stay as they are. @throws FairleadError NETLINK_REFUSED, EINVAL for what is too long */
  setTimeouts(timeouts: Partial<IpvsTimeouts>): Promise<void>;
  info(): Promise<IpvsInfo>;
  /** Idempotent. */
  close(): void;
}

// ── Generic netlink: families that are found by name ──────────────────────────────────────────────────────────

/** Generic netlink in one namespace. Source: net/netlink/genetlink.c. */
export interface GenericNetlinkPort {
  /** The family, whose module the kernel loads if it can; undefined where there is none. */
  family(name: string): Promise<GenericFamily | undefined>;
  /** One call, and what it was answered. @throws FairleadError NETLINK_REFUSED with the kernel's errno and words */
  request<T extends object>(family: GenericFamily, call: GenericCall<T>, what: string): Promise<GenericMessage<T>[]>;
  /** A dump. @throws FairleadError NETLINK_INTERRUPTED when it never stood still */
  dump<T extends object>(family: GenericFamily, call: GenericCall<T>, what: string): Promise<GenericMessage<T>[]>;
  /** Calls without answers, one by one. @returns for each null, or NETLINK_REFUSED */
  apply<T extends object>(
    family: GenericFamily,
    calls: readonly GenericCall<T>[],
    describe: (index: number) => string,
  ): Promise<readonly (FairleadError | null)[]>;
  /** Idempotent. */
  close(): void;
}

// ── The relay in user space ───────────────────────────────────────────────────────────────────────────────────

/** Where the relay's clients go. Text is one character a byte. */
export interface RelayFrontend {
  /**
   * What tells it from others. Of TCP: scope of a shared listener (one byte), the address to which connections were going
   * before they were led there (none: any), and the port in network byte order.
   */
  readonly key: string;
  readonly protocol: "TCP" | "UDP";
  readonly family: IpFamily;
  /** Where clients come to it by themselves. Default: they are led to the relay from where the key says, and who is not is none. */
  readonly listen?: { readonly address: IpAddress; readonly port: number };
  /** Each: address, port in network byte order, two bytes that mean nothing. */
  readonly endpoints: string;
  /** A client comes back to the same endpoint within this time; 0: to any. */
  readonly affinityMs: number;
}

/** Since it was opened, but for the first two. */
export interface RelayCounts {
  /** Open now. */
  readonly connections: number;
  readonly flows: number;
  /** Connections and flows that found it full. */
  readonly overflows: bigint;
  /** Connections and datagrams that came to a port of the relay's without having been led there. */
  readonly strangers: bigint;
  /** Times that descriptors or memory were lacking. */
  readonly shortages: bigint;
}

/** Of TCP, on any address of a family. */
export interface RelayListener {
  readonly family: IpFamily;
  readonly scope: number;
}

/** Relays TCP and UDP between clients and endpoints, on threads of its own, for as long as it is open. */
export interface RelayPort {
  /** Where the shared listener of a scope listens. @throws TypeError: there is none */
  portOf(scope: number): number;
  /**
   * Sets or adds frontends, then removes some. Connections live on wherever they lead; UDP flows end with their endpoint.
   *
   * @returns of each that is set its own port: of UDP, and where it listens itself; the same for as long as it is there and
   *   `listen` is; 0 of all others
   * @throws FairleadError NATIVE_CALL: nothing has changed
   */
  update(set: readonly RelayFrontend[], gone: readonly string[]): Promise<readonly number[]>;
  /** @throws FairleadError NATIVE_CALL: it is closed */
  counts(): Promise<RelayCounts>;
  /** By frontends' keys. @throws FairleadError NATIVE_CALL: it is closed */
  frontendCounts(): Promise<ReadonlyMap<string, RelayedCount>>;
  /** Whether it has no connection and no flow; a closed one has none. @throws FairleadError NATIVE_CALL */
  isIdle(): Promise<boolean>;
  /** Resets what is open. Idempotent. */
  close(): Promise<void>;
}

// ── Network namespaces with names ─────────────────────────────────────────────────────────────────────────────

/** Which namespace to open: by its name under /run/netns, by a process in it, or by any path to it. */
export type NamespaceSource = { readonly name: string } | { readonly pid: number } | { readonly path: string };

/** An open namespace: it lives at least until it is closed. */
export interface NetworkNamespace {
  /** The same for the same namespace, as long as it lives. */
  readonly inode: bigint;
  /** A path that other ports open it by; it holds in this process until the namespace is closed. */
  readonly path: string;
  /** Its descriptor, for IFLA_NET_NS_FD: of this process, owned by the namespace. */
  readonly fd: number;
  /** Idempotent. */
  close(): void;
}

/** Network namespaces of this machine, named as `ip netns` names them. */
export interface NamespacePort {
  /** Makes a namespace with a name. Its loopback is down. @throws FairleadError NATIVE_CALL, EEXIST for a name in use */
  create(name: string): Promise<NetworkNamespace>;
  /** @throws FairleadError NATIVE_CALL, ENOENT where there is none */
  open(source: NamespaceSource): Promise<NetworkNamespace>;
  /** Takes the name away; the namespace goes when nothing holds it. @throws FairleadError NATIVE_CALL, ENOENT */
  delete(name: string): Promise<void>;
  /** Names, sorted. */
  list(): Promise<readonly string[]>;
}

// ── iptables ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * iptables of one family and one variant, by its own programs. Each call is bounded, as is the wait for the lock that all
 * of them share (xtables.lock).
 */
export interface IptablesPort {
  /** "ip6tables-legacy" */
  readonly name: string;
  /** What `-save` prints of a table. @throws FairleadError NATIVE_CALL with the program's own words */
  list(table: string, options?: { readonly counters?: boolean }): Promise<string>;
  /** What `-save` prints of all tables; "" where there is no such program, or its kernel modules are not there. */
  save(): Promise<string>;
  /** `-restore --noflush`: each table at once, or not at all. @throws FairleadError NATIVE_CALL */
  restore(input: string): Promise<void>;
  /** @throws FairleadError NATIVE_CALL where that cannot be asked */
  hasChain(table: string, chain: string): Promise<boolean>;
}

// ── sysctl ────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Kernel parameters as one namespace sees them (proc_sys(5)).
 *
 * A name is separated by dots, `net.ipv4.ip_forward`, or by slashes, `net/ipv4/ip_forward`: whichever
 * comes first is the separator, as for sysctl(8), and the other one is a dot within a part. A link
 * whose name has a dot is written `net/ipv4/conf/eth0.100/arp_ignore` or `net.ipv4.conf.eth0/100.arp_ignore`.
 */
export interface SysctlPort {
  /**
   * The value without its newline; several values are separated as the kernel separates them (tabs).
   *
   * @throws FairleadError KERNEL_ARGUMENT for what is no name; NATIVE_CALL, ENOENT for a parameter that is not there
   */
  read(name: string): Promise<string>;
  /** @throws FairleadError as read; NATIVE_CALL with EINVAL for a value that the kernel does not take */
  write(name: string, value: string): Promise<void>;
}
