/**
 * A network without a kernel: it carries changes out and refuses them as the kernel does
 * (test/contract/routing.ts runs on both).
 *
 * It models links and their namespaces, addresses, routes of every table but the local one, rules,
 * permanent neighbours, forwarding entries, clsact and its filters. It makes no IPv6 link-local
 * addresses and none of the entries that the kernel keeps for itself (multicast, a bridge's own
 * addresses, default queueing disciplines). What it does not model it refuses: EOPNOTSUPP, and says so.
 */
import { constants } from "node:os";
import { FairleadError } from "../../errors/catalogue.ts";
import { encodeBatch } from "../netlink/codec/message.ts";
import { describeRouting, execute, routingRequest } from "../netlink/rtnetlink/requests.ts";
import type { RoutingChange, RoutingEvent, RoutingExecutors, RoutingPort, WatchedObject } from "../ports.ts";
import { addressExecutors } from "./routing/addresses.ts";
import { addLoopback, linkExecutors, observed } from "./routing/links.ts";
import { fdbExecutors, neighborExecutors } from "./routing/neighbors.ts";
import { listRoutes, routeExecutors } from "./routing/routes.ts";
import { addOwnRules, ruleExecutors } from "./routing/rules.ts";
import { Namespace, Refusal, type Network } from "./routing/state.ts";
import { filterExecutors, qdiscExecutors } from "./routing/traffic_control.ts";

/** A namespace of a fake network, with what a NativeNamespace and its port give. */
export interface FakeNamespace {
  /** For `netnsFd`. No descriptor of this process. */
  readonly fd: number;
  /** A port to it; several see the same state. */
  openRouting(): RoutingPort;
}

/** Namespaces that can hold the two ends of a veth pair. */
export class FakeNetwork implements Network {
  readonly #namespaces = new Map<number, Namespace>();

  createNamespace(): FakeNamespace {
    const namespace = new Namespace(this, 1000 + this.#namespaces.size);
    addLoopback(namespace);
    addOwnRules(namespace);
    this.#namespaces.set(namespace.fd, namespace);
    return { fd: namespace.fd, openRouting: () => new FakeRouting(namespace) };
  }

  byFd(fd: number): Namespace | undefined {
    return this.#namespaces.get(fd);
  }
}

class FakeRouting implements RoutingPort {
  readonly #namespace: Namespace;
  readonly #executors: RoutingExecutors<void>;
  readonly #watches = new Set<(event: RoutingEvent) => void>();
  #closed = false;

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
    this.#executors = {
      link: linkExecutors(namespace),
      address: addressExecutors(namespace),
      route: routeExecutors(namespace),
      rule: ruleExecutors(namespace),
      neighbor: neighborExecutors(namespace),
      fdb: fdbExecutors(namespace),
      qdisc: qdiscExecutors(namespace),
      filter: filterExecutors(namespace),
    };
  }

  links: RoutingPort["links"] = ({ kind, master } = {}) =>
    this.#list("links", (ns) =>
      [...ns.links.values()]
        .map((link) => observed(link, ns))
        .filter((link) => kind === undefined || link.info?.kind === kind)
        .filter((link) => master === undefined || link.master === master)
        .sort((a, b) => a.index - b.index),
    );

  link: RoutingPort["link"] = async (which) => (await this.links()).find(like(which));

  addresses: RoutingPort["addresses"] = (filter = {}) =>
    this.#list("addresses", (ns) => byFamily(ns.addresses).filter(like(filter)));

  routes: RoutingPort["routes"] = (filter = {}) => this.#list("routes", (ns) => listRoutes(ns, filter));

  rules: RoutingPort["rules"] = (filter = {}) => this.#list("rules", (ns) => byFamily(ns.rules).filter(like(filter)));

  neighbors: RoutingPort["neighbors"] = (filter = {}) =>
    this.#list("neighbours", (ns) => byFamily(ns.neighbors).filter(like(filter)));

  fdb: RoutingPort["fdb"] = (filter = {}) => this.#list("forwarding entries", (ns) => ns.fdb.filter(like(filter)));

  qdiscs: RoutingPort["qdiscs"] = (filter = {}) =>
    this.#list("queueing disciplines", (ns) => ns.qdiscs.filter(like(filter)));

  filters: RoutingPort["filters"] = (filter) =>
    this.#list("filters", (ns) => {
      ns.link(filter.index);
      return ns.filters.filter(like(filter));
    });

  async apply(changes: readonly RoutingChange[]): Promise<(FairleadError | null)[]> {
    this.#checkOpen("apply changes");
    // What does not fit a message must not fit here.
    encodeBatch(changes.map(routingRequest), 1);
    return changes.map((change) => this.#carryOut(structuredClone(change)));
  }

  applyAndRead: RoutingPort["applyAndRead"] = async (changes, which) => {
    const outcomes = await this.apply(changes);
    return { outcomes, link: await this.link(which) };
  };

  async watch(onEvent: (event: RoutingEvent) => void, objects?: readonly WatchedObject[]): Promise<{ close(): void }> {
    this.#checkOpen("watch");
    // A function of its own, so that one watcher can watch twice.
    const watcher = (event: RoutingEvent): void => {
      if (!objects || !("object" in event) || objects.includes(event.object)) onEvent(event);
    };
    this.#watches.add(watcher);
    this.#namespace.watchers.add(watcher);
    return { close: () => this.#unwatch(watcher) };
  }

  close(): void {
    for (const watcher of this.#watches) this.#unwatch(watcher);
    this.#closed = true;
  }

  #unwatch(watcher: (event: RoutingEvent) => void): void {
    this.#watches.delete(watcher);
    this.#namespace.watchers.delete(watcher);
  }

  #carryOut(change: RoutingChange): FairleadError | null {
    try {
      execute(this.#executors, change);
      return null;
    } catch (error) {
      return refusedAs(describeRouting(change), error);
    }
  }

  async #list<T>(what: string, read: (namespace: Namespace) => T[]): Promise<T[]> {
    this.#checkOpen(`list ${what}`);
    try {
      return structuredClone(read(this.#namespace));
    } catch (error) {
      throw refusedAs(`list ${what}`, error);
    }
  }

  #checkOpen(what: string): void {
    if (!this.#closed) return;
    const errno = constants.errno.ECANCELED;
    throw new FairleadError("NATIVE_CALL", { subject: what, reason: "the port is closed", errno });
  }
}

function refusedAs(subject: string, error: unknown): FairleadError {
  if (!(error instanceof Refusal)) throw error;
  return new FairleadError("NETLINK_REFUSED", { subject, reason: error.message, errno: error.errno });
}

/** IPv4 before IPv6, as two dumps give them. */
function byFamily<T extends { family: string }>(items: readonly T[]): T[] {
  return [...items.filter((item) => item.family === "ip"), ...items.filter((item) => item.family === "ip6")];
}

/** Whether an object has what the filter names. */
function like(filter: object): (item: object) => boolean {
  const named = Object.entries(filter).filter(([, value]) => value !== undefined);
  return (item) => named.every(([name, value]) => (item as Record<string, unknown>)[name] === value);
}
