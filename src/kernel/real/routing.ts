/** The network state of a namespace, through rtnetlink. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { NamespaceRef } from "../native.ts";
import type { MulticastWatch } from "./multicast_watch.ts";
import { addressMessage } from "../netlink/rtnetlink/address.ts";
import { routeMessage as message, routeTable, type Family } from "../netlink/rtnetlink/common.ts";
import { linkMessage, linkStateMessage, noLinkHeader } from "../netlink/rtnetlink/link.ts";
import { neighborMessage } from "../netlink/rtnetlink/neighbor.ts";
import { describeRouting, routingRequest } from "../netlink/rtnetlink/requests.ts";
import { routeEntryMessage } from "../netlink/rtnetlink/route.ts";
import { ruleMessage } from "../netlink/rtnetlink/rule.ts";
import { filterMessage, qdiscHeader, qdiscMessage } from "../netlink/rtnetlink/tc.ts";
import type { Codec } from "../netlink/codec/codec.ts";
import { decodeBody } from "../netlink/codec/message.ts";
import type { RouteFilter, RoutingChange, RoutingEvent, RoutingPort, WatchedObject } from "../ports.ts";
import { noneAt } from "./answers.ts";
import { NetlinkClient, netlinkProtocol, refused } from "./netlink_client.ts";
import { Pace } from "../../reconcile/pace.ts";
import { allObjects, watchRouting } from "./routing_watch.ts";

type IpFamily = "ip" | "ip6";
const ipFamilies = ["ip", "ip6"] as const;

export interface RoutingOptions {
  /** Default: this process's own. */
  readonly namespace?: NamespaceRef;
}

/** @throws FairleadError NATIVE_CALL when the namespace is not there */
export async function openRouting(options: RoutingOptions = {}): Promise<RoutingPort> {
  const namespace = options.namespace ?? null;
  return new KernelRouting(await NetlinkClient.open({ protocol: netlinkProtocol.route, namespace }), namespace);
}

class KernelRouting implements RoutingPort {
  readonly #client: NetlinkClient;
  readonly #namespace: NamespaceRef;
  readonly #watches = new Set<MulticastWatch>();

  constructor(client: NetlinkClient, namespace: NamespaceRef) {
    this.#client = client;
    this.#namespace = namespace;
  }

  links: RoutingPort["links"] = ({ kind, master } = {}) =>
    this.#dump(message.getLink, linkMessage, "links", {
      ...noLinkHeader,
      extMask: ["skipStatistics"],
      ...(master === undefined ? {} : { master }),
      ...(kind === undefined ? {} : { info: { kind: "other", name: kind } }),
    });

  link: RoutingPort["link"] = async (which) => {
    try {
      const [answer] = await this.#client.request(linkRequest(which), `read link ${JSON.stringify(which)}`);
      return answer && decodeBody(linkMessage, answer);
    } catch (error) {
      if (error instanceof FairleadError && error.errno === ENODEV) return undefined;
      throw error;
    }
  };

  addresses: RoutingPort["addresses"] = ({ family, index = 0 } = {}) =>
    this.#dumpFamilies(family, (family) =>
      this.#dump(message.getAddress, addressMessage, `${family} addresses`, {
        family,
        prefixLength: 0,
        scope: "universe",
        index,
      }),
    );

  routes: RoutingPort["routes"] = async (filter = {}) => {
    const routes = await this.#dumpFamilies(filter.family, (family) => this.#routesOf(family, filter));
    return filter.table === undefined ? routes.filter((route) => route.table !== routeTable.local) : routes;
  };

  rules: RoutingPort["rules"] = ({ family } = {}) =>
    this.#dumpFamilies(family, (family) =>
      this.#dump(message.getRule, ruleMessage, `${family} rules`, { ...emptyLengths, family, action: "unspec" }),
    );

  neighbors: RoutingPort["neighbors"] = ({ family, index } = {}) =>
    this.#dumpFamilies(family, (family) =>
      this.#dump(message.getNeighbor, neighborMessage, `${family} neighbours`, {
        ...emptyNeighbor,
        family,
        index: 0,
        ...(index === undefined ? {} : { throughInterface: index }),
      }),
    );

  fdb: RoutingPort["fdb"] = ({ index, master } = {}) =>
    this.#dump(message.getNeighbor, neighborMessage, "forwarding entries", {
      ...emptyNeighbor,
      family: "bridge",
      index: 0,
      ...(index === undefined ? {} : { throughInterface: index }),
      ...(master === undefined ? {} : { master }),
    });

  qdiscs: RoutingPort["qdiscs"] = async ({ index } = {}) => {
    const body = { family: "unspec", index: index ?? 0, handle: 0, parent: "unspec", references: 0 } as const;
    const all = await this.#dump(message.getQdisc, qdiscMessage, "queueing disciplines", body, qdiscHeader);
    // The kernel's dump takes an index and heeds it not (tc_dump_qdisc).
    return index === undefined ? all : all.filter((qdisc) => qdisc.index === index);
  };

  filters: RoutingPort["filters"] = async ({ index, parent }) => {
    const body = { family: "unspec", index, handle: 0, parent, references: 0 } as const;
    const all = await this.#dump(message.getFilter, filterMessage, `filters of link ${index}`, body, qdiscHeader);
    // Before the filters of a priority the kernel tells of the priority itself, with handle 0.
    return all.filter((filter) => filter.handle !== 0);
  };

  apply(changes: readonly RoutingChange[]): Promise<(FairleadError | null)[]> {
    return this.#client.apply(changes.map(routingRequest), (index) => describeRouting(changes[index]!));
  }

  applyAndRead: RoutingPort["applyAndRead"] = async (changes, which) => {
    const read = linkRequest(which);
    const describe = (index: number): string => describeRouting(changes[index]!);
    const { outcomes, answer } = await this.#client.applyAndAsk(changes.map(routingRequest), read, describe);
    if ("datagram" in answer) return { outcomes, link: decodeBody(linkStateMessage, answer) };
    if (answer.errno === ENODEV) return { outcomes, link: undefined };
    throw refused(`read link ${JSON.stringify(which)}`, answer);
  };

  async watch(
    onEvent: (event: RoutingEvent) => void,
    objects: readonly WatchedObject[] = allObjects,
  ): Promise<{ close(): void }> {
    const watch = await watchRouting(this.#namespace, onEvent, objects);
    this.#watches.add(watch);
    return {
      close: () => {
        this.#watches.delete(watch);
        watch.close();
      },
    };
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
    this.#client.close();
  }

  async #routesOf(family: IpFamily, { table, protocol, kind, outInterface }: RouteFilter) {
    const body = {
      ...emptyLengths,
      family,
      scope: "universe",
      protocol: protocol ?? "unspec",
      kind: kind ?? "unspec",
      ...(table === undefined ? {} : { table }),
      ...(outInterface === undefined ? {} : { outInterface }),
    } as const;
    const routes = this.#dump(message.getRoute, routeEntryMessage, `${family} routes`, body);
    // A table without routes may not exist: for the caller that is the same.
    return table === undefined ? routes : routes.catch(noneAt(ENOENT));
  }

  /** A kernel without IPv6 answers its dumps with those of all families: take what was asked for. */
  async #dumpFamilies<T extends { family: Family | `#${number}` }>(
    family: IpFamily | undefined,
    dump: (family: IpFamily) => Promise<T[]>,
  ): Promise<T[]> {
    const found: T[] = [];
    for (const one of family ? [family] : ipFamilies) {
      for (const item of await dump(one)) if (item.family === one) found.push(item);
    }
    return found;
  }

  async #dump<T, Q = T>(type: number, codec: Codec<T>, what: string, body: Q, requestCodec?: Codec<Q>): Promise<T[]> {
    const request = { type, flags: 0, codec: requestCodec ?? codec, body };
    const messages = await this.#client.dump(request, `list ${what}`);
    const found: T[] = [];
    const pace = new Pace();
    for (const received of messages) {
      found.push(decodeBody(codec, received));
      if (found.length % messagesPerStep === 0) await pace.next();
    }
    return found;
  }
}

function linkRequest(which: { readonly name: string } | { readonly index: number }) {
  const body = { ...noLinkHeader, extMask: ["skipStatistics"] as const, ...which };
  return { type: message.getLink, flags: 0, codec: linkMessage, body };
}

const ENOENT = 2;
const ENODEV = 19;
/** Messages decoded between two looks at the clock: about a millisecond. */
const messagesPerStep = 256;
const emptyLengths = { destinationPrefixLength: 0, sourcePrefixLength: 0, tos: 0, flags: [] } as const;
const emptyNeighbor = { state: "none", flags: [], kind: "unspec" } as const;
