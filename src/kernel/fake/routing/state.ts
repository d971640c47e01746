/** The state of fake namespaces, and how they refuse. */
import { constants } from "node:os";
import type { RoutingEvent } from "../../ports.ts";
import type { Address } from "../../netlink/rtnetlink/address.ts";
import type { Link } from "../../netlink/rtnetlink/link.ts";
import type { Neighbor } from "../../netlink/rtnetlink/neighbor.ts";
import type { Route } from "../../netlink/rtnetlink/route.ts";
import type { Rule } from "../../netlink/rtnetlink/rule.ts";
import type { Filter, Qdisc } from "../../netlink/rtnetlink/tc.ts";

export type ErrnoName = keyof typeof constants.errno;

/** A request that the fake, like the kernel, does not carry out. */
export class Refusal extends Error {
  readonly code: ErrnoName;
  readonly errno: number;
  constructor(code: ErrnoName, reason?: string) {
    super(reason === undefined ? code : `${code}: ${reason}`);
    this.code = code;
    this.errno = constants.errno[code];
  }
}

/** What the kernel does and the fake does not: better refused than pretended. */
export function unmodelled(what: string): Refusal {
  return new Refusal("EOPNOTSUPP", `the fake does not model ${what}`);
}

/** Refuses a value with fields that the fake would forget. */
export function onlyFields(value: object, modelled: ReadonlySet<string>, what: string): void {
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined && !modelled.has(name)) throw unmodelled(`${what}'s ${name}`);
  }
}

export interface FakeLink {
  /** As it is told of, without what follows from others (running, operState, the peer's index). */
  readonly value: Link & { name: string };
  /** The other end of a veth pair. */
  peer?: { readonly namespace: Namespace; readonly index: number };
}

/** One network namespace. */
export class Namespace {
  readonly fd: number;
  readonly network: Network;
  readonly links = new Map<number, FakeLink>();
  addresses: Address[] = [];
  routes: Route[] = [];
  rules: Rule[] = [];
  neighbors: Neighbor[] = [];
  /** Forwarding entries of bridges and VXLAN devices. */
  fdb: Neighbor[] = [];
  qdiscs: Qdisc[] = [];
  filters: Filter[] = [];
  readonly watchers = new Set<(event: RoutingEvent) => void>();

  constructor(network: Network, fd: number) {
    this.network = network;
    this.fd = fd;
  }

  /** @throws Refusal ENODEV */
  link(index: number): FakeLink {
    const link = this.links.get(index);
    if (!link) throw new Refusal("ENODEV");
    return link;
  }

  named(name: string): FakeLink | undefined {
    for (const link of this.links.values()) if (link.value.name === name) return link;
    return undefined;
  }

  freeIndex(): number {
    return Math.max(0, ...this.links.keys()) + 1;
  }

  /** Watchers are called after the change, as with the kernel, with a value of their own. */
  emit(event: RoutingEvent): void {
    const copy = structuredClone(event);
    for (const watcher of this.watchers) {
      queueMicrotask(() => {
        if (this.watchers.has(watcher)) watcher(copy);
      });
    }
  }
}

/** Namespaces that know one another by descriptor. */
export interface Network {
  byFd(fd: number): Namespace | undefined;
}

export function isUp(link: FakeLink): boolean {
  return link.value.flags.includes("up");
}
