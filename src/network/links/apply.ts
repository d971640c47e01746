/** Carries steps of a pod's link out: the only writes. */
import { setTimeout as sleep } from "node:timers/promises";
import { FairleadError } from "../../errors/catalogue.ts";
import type { NetworkNamespace, NftablesPort, RoutingChange, RoutingPort, SysctlPort } from "../../kernel/ports.ts";
import type { LinkState } from "../../kernel/netlink/rtnetlink/link.ts";
import { routeTable } from "../../kernel/netlink/rtnetlink/common.ts";
import { ensureBridge } from "./bridge.ts";
import type { PodLink } from "./link.ts";
import type { LinkStep } from "./plan.ts";
import type { LinkRemovals } from "./removals.ts";
import { loopbackUp, renderNodeLink, renderPair, type EndChange } from "./render.ts";
import type { SourceGuard } from "./source_guard.ts";

/** The node's ports, and how to open those of a pod's namespace. */
export interface LinkPorts {
  readonly routing: RoutingPort;
  /** Another one: to delete a link takes the kernel long (RCU), and a port does one thing after another. */
  readonly deletions: RoutingPort;
  readonly nftables: NftablesPort;
  readonly sysctl: SysctlPort;
  readonly openPod: (namespace: NetworkNamespace) => Promise<RoutingPort>;
  readonly podSysctl: (namespace: NetworkNamespace) => SysctlPort;
}

/** What all attachments have in common. */
export interface Shared {
  readonly routed: SourceGuard;
  readonly bridge: SourceGuard;
  readonly removals: LinkRemovals;
}

/** A pod's namespace, open. */
export interface PodPlace {
  readonly namespace: NetworkNamespace;
  /** It may be opening yet: the pair is made meanwhile. */
  readonly routing: Promise<RoutingPort>;
}

/** The pod has an interface of that name. */
export class InterfaceExists extends Error {
  override readonly name = "InterfaceExists";
}

const errno = { noEntry: 2, noDevice: 19, exists: 17, access: 13, invalid: 22, noAddress: 99, notThere: 3 } as const;

/**
 * Each batch goes to a thread and back, and ends with what would be asked next. The pod's end is brought up behind the
 * node's, which is up from the start; what is read of the node's end behind that finds both in service.
 */
const turns: Readonly<Record<LinkStep["step"], number>> = {
  "add pair": 0,
  "delete link": 0,
  "admit sources": 0,
  "refuse sources": 0,
  "change pod end": 1,
  "change host end": 2,
  "await link": 3,
};
const lastTurn = 3;

/** How long both ends may take to come into service; that is some ms on a machine that is busy. */
const awaitMs = 2000;

type StepOf<K extends LinkStep["step"]> = Extract<LinkStep, { step: K }>;
type Executors = { readonly [K in LinkStep["step"]]: (step: StepOf<K>) => Promise<void> };

export class LinkApply {
  readonly #ports: LinkPorts;
  readonly #shared: Shared;
  readonly #place: PodPlace | undefined;
  /** Of the ends, once they are known. */
  #index: { host: number; pod: number } | undefined;
  /** As they were behind their changes. */
  readonly #seen: { host?: LinkState | undefined; pod?: LinkState | undefined } = {};
  readonly #executors: Executors = {
    "add pair": ({ link }) => this.#addPair(link),
    "delete link": ({ hostLink }) => this.#shared.removals.remove(hostLink),
    "change host end": (step) => this.#changeHostEnd(step),
    "change pod end": (step) => this.#changePodEnd(step),
    "admit sources": ({ mode, elements }) => this.#shared[mode].admit(elements),
    "refuse sources": ({ mode, elements }) => this.#shared[mode].refuse(elements),
    "await link": (step) => this.#awaitLink(step),
  };

  /** @param place where the pod's end is, or shall be; undefined: its end is not touched */
  constructor(ports: LinkPorts, shared: Shared, place: PodPlace | undefined) {
    this.#ports = ports;
    this.#shared = shared;
    this.#place = place;
  }

  /**
   * First the pair is made, or goes, while its sources are written; then one end after the other; what waits comes last.
   *
   * @throws InterfaceExists
   * @throws FairleadError of the port that refused
   */
  async apply(steps: readonly LinkStep[]): Promise<void> {
    for (let turn = 0; turn <= lastTurn; turn++) {
      const outcomes = await Promise.allSettled(
        steps.filter(({ step }) => turns[step] === turn).map((step) => this.#carryOut(step)),
      );
      // None of them may still run when the caller undoes what was done.
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    }
  }

  #carryOut(step: LinkStep): Promise<void> {
    return (this.#executors[step.step] as (step: LinkStep) => Promise<void>)(step);
  }

  async #addPair(link: PodLink): Promise<void> {
    const { routing } = this.#ports;
    const place = this.#podPlace();
    for (let attempt = 1; ; attempt++) {
      const master = link.mode === "bridge" ? await ensureBridge(this.#ports, link) : undefined;
      const pair = [renderPair(link, place.namespace.fd, master), ...renderNodeLink(link)];
      const { outcomes, link: made } = await routing.applyAndRead(pair, { name: link.hostLink });
      const refused = outcomes.find((outcome) => outcome !== null);
      if (!refused && made?.link !== undefined) {
        this.#index = { host: made.index, pod: made.link };
        // Indexes count in each namespace. The kernel takes a link for no pair where both have the same, and lets
        // packets through up to a second late (net/core/link_watch.c, linkwatch_urgent_event): the next has another.
        if (made.index !== made.link || attempt > 1) return;
        await this.#shared.removals.remove(link.hostLink);
        continue;
      }
      if (refused && refused.errno !== errno.exists) throw refused;
      if (refused && (!made || attempt > 1)) throw new InterfaceExists(link.ifName);
      // The node's end is left from an attachment that nobody knows: whoever had it is gone.
      if (attempt > 1) throw vanished(link.hostLink);
      if (made) await this.#shared.removals.remove(link.hostLink);
    }
  }

  async #changeHostEnd({ hostLink, changes }: StepOf<"change host end">): Promise<void> {
    const { routing } = this.#ports;
    const index = this.#index?.host ?? (await routing.link({ name: hostLink }))?.index;
    if (index === undefined) throw vanished(hostLink);
    const { outcomes, link } = await routing.applyAndRead(changes.map(onLink(index)), { index });
    this.#seen.host = link;
    throwRefused(outcomes);
  }

  async #changePodEnd({ ifName, changes }: StepOf<"change pod end">): Promise<void> {
    const place = this.#podPlace();
    const routing = await place.routing;
    const index = this.#index?.pod ?? (await routing.link({ name: ifName }))?.index;
    if (index === undefined) throw vanished(ifName);
    const wanted = changes.map(onLink(index));
    const { outcomes, link } = await routing.applyAndRead([loopbackUp, ...wanted], { index });
    this.#seen.pod = link;
    const failed = outcomes.find((outcome) => outcome !== null);
    if (!failed) return;
    if (failed.errno !== errno.access || !wanted.some(isV6)) throw failed;
    // Runtimes disable IPv6 where a pod's network is not known to have it: this one has.
    await this.#ports.podSysctl(place.namespace).write(`net/ipv6/conf/${ifName}/disable_ipv6`, "0");
    throwRefused(await routing.apply(wanted));
  }

  /** Before that a packet would be lost, and whoever sent it would wait a second to send it again. */
  async #awaitLink({ hostLink, ifName, addresses }: StepOf<"await link">): Promise<void> {
    const deadline = performance.now() + awaitMs;
    const pod = await this.#podPlace().routing;
    if (addresses.length === 0 && this.#seen.host?.operState === "up" && this.#seen.pod?.operState === "up") return;
    for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, 4)) {
      const [hostEnd, podEnd, local] = await Promise.all([
        this.#ports.routing.link({ name: hostLink }),
        pod.link({ name: ifName }),
        addresses.length === 0 ? [] : pod.routes({ family: "ip6", table: routeTable.local }),
      ]);
      const isUp = hostEnd?.operState === "up" && podEnd?.operState === "up";
      // Even without detection of duplicates IPv6 takes an address into service in a thread of its own, which makes
      // its local route (net/ipv6/addrconf.c, addrconf_dad_completed).
      const known = new Set(local.map(({ destination }) => destination));
      if (isUp && addresses.every((address) => known.has(address))) return;
      if (performance.now() > deadline) throw late(hostLink, hostEnd?.operState, podEnd?.operState);
      await sleep(pauseMs);
    }
  }

  #podPlace(): PodPlace {
    if (this.#place) return this.#place;
    throw new Error("a step of the pod's end without its namespace");
  }
}

/** A change of one end, told which link that is. */
function onLink(index: number): (change: EndChange) => RoutingChange {
  return (change) => {
    const place = change.object === "route" ? { outInterface: index } : { index };
    return { ...change, value: { ...change.value, ...place } } as RoutingChange;
  };
}

function isV6({ object, value }: RoutingChange): boolean {
  return object === "address" && (value.address ?? "").includes(":");
}

/** What is there already is as good as made. */
function throwRefused(outcomes: readonly (FairleadError | null)[]): void {
  const failed = outcomes.find((outcome) => outcome !== null && outcome.errno !== errno.exists);
  if (failed) throw failed;
}

function late(hostLink: string, ...states: readonly (string | undefined)[]): FairleadError {
  const reason = `its ends are ${states.map((state) => state ?? "gone").join(" and ")} after ${awaitMs} ms`;
  return new FairleadError("NETLINK_REFUSED", { subject: `bring link ${hostLink} into service`, reason });
}

function vanished(name: string): FairleadError {
  return new FairleadError("NETLINK_REFUSED", {
    subject: `find link ${name}`,
    reason: "it was deleted meanwhile",
    errno: errno.noDevice,
  });
}
