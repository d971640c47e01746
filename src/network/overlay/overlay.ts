/** Keeps this node's end of the overlay as the Node objects want it. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { GenericNetlinkPort, RoutingEvent, RoutingPort } from "../../kernel/ports.ts";
import type { IpAddress } from "../../model/address.ts";
import type { Cidr } from "../../model/cidr.ts";
import type { Node } from "../../model/kubernetes.ts";
import { systemClock, type Clock } from "../../reconcile/clock.ts";
import { Pace } from "../../reconcile/pace.ts";
import { WorkQueue } from "../../reconcile/work_queue.ts";
import { applyEntries, applyLinks, isOutdated } from "./apply.ts";
import { decodeNode } from "./decode.ts";
import {
  deriveAnnotations,
  deriveObstacle,
  deriveOwn,
  derivePeer,
  derivePodMtu,
  deriveVteps,
  type Self,
} from "./derive.ts";
import { setTxChecksum } from "./offload.ts";
import { isNews, meaningOf, type Known } from "./events.ts";
import { findUnderlays, isVtepName, observeEntries, observeLinks } from "./observe.ts";
import { planEntries, planVteps } from "./plan.ts";
import { keyOf, type Entry, type NetworkNode, type OverlayOptions, type PerFamily } from "./state.ts";
import { WantedEntries } from "./wanted.ts";

export interface OverlayStatus {
  /** Why pods cannot have a network yet; undefined: they can. */
  readonly obstacle: string | undefined;
  readonly podCidrs: PerFamily<Cidr>;
  /** Of pods' links, in bytes. */
  readonly podMtu: number | undefined;
  /** Addresses of this node at which tunnels end. */
  readonly tunnelEnds: readonly IpAddress[];
  /** What the Node object of this node shall say; null: no such annotation. */
  readonly annotations: Readonly<Record<string, string | null>>;
  /** Why other nodes' pods cannot be reached, by the node's name. */
  readonly problems: ReadonlyMap<string, readonly string[]>;
  /** Entries that the kernel has. */
  readonly entries: number;
}

export interface OverlaySettings {
  readonly options: OverlayOptions;
  readonly nodeName: string;
  readonly routing: RoutingPort;
  /** Needed where the options say something of checksums. */
  readonly generic?: GenericNetlinkPort;
  /** Told after each turn in which anything was looked at. */
  readonly onStatus: (status: OverlayStatus) => void;
  /** Told of each failure; it is tried again. */
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

/** Events of the kernel are gathered for as long, in ms: who fights over a route with us gets no more turns. */
const gatherMs = 50;
/** What no event told of comes to light at the latest then, in ms. */
const resyncMs = 300_000;
const backoff = { firstMs: 100, maxMs: 30_000 };
/** A VTEP is made, then configured; another look finds it right. */
const linkRounds = 5;
/** Planned and written in one go: a few ms. */
const keysPerPart = 500;
const theQueue = "overlay";
const ownEntries = "";

function isOfAddress(key: string): boolean {
  return key.startsWith("address ");
}

export class Overlay {
  readonly #settings: OverlaySettings;
  readonly #queue: WorkQueue;
  readonly #nodes = new Map<string, NetworkNode>();
  readonly #wanted = new WantedEntries((key) => this.#dirty.add(key));
  readonly #dirty = new Set<string>();
  readonly #problems = new Map<string, readonly string[]>();
  #programmed = new Map<string, Entry>();
  #known: Known;
  #devices: ReadonlyMap<string, number> = new Map();
  #self: Self | undefined;
  #mustObserve = true;
  #linksAreSettled = false;
  #watch: { close(): void } | undefined;
  #stopped = false;

  constructor(settings: OverlaySettings) {
    this.#settings = settings;
    const none = new Map<number, string>();
    this.#known = {
      vteps: [],
      underlays: {},
      names: none,
      vtepNames: none,
      wanted: this.#wanted,
      isVtep: this.#isVtep,
    };
    this.#queue = new WorkQueue({
      reconcile: () => this.#sync(),
      workers: 1,
      backoff,
      onError: (_, error) => settings.onError(error),
      clock: settings.clock ?? systemClock,
    });
  }

  /** Begins to write. Before it, every node must have been told of: what is not known is not wanted. */
  start(): void {
    this.#queue.start();
    this.#queue.add(theQueue);
  }

  /** Ends; everything stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#watch?.close();
    await this.#queue.stop();
  }

  setNode(object: Node): void {
    const node = decodeNode(object);
    const before = this.#nodes.get(node.name);
    // A kubelet writes its Node's status every few seconds.
    if (before && JSON.stringify(before) === JSON.stringify(node)) return;
    this.#nodes.set(node.name, node);
    if (node.name === this.#settings.nodeName) this.#mustObserve = true;
    else this.#derivePeer(node);
    this.#queue.add(theQueue);
  }

  deleteNode(name: string): void {
    // Its pods run on, as those of a kubelet whose Node was deleted do.
    if (name === this.#settings.nodeName || !this.#nodes.delete(name)) return;
    this.#wanted.set(name, []);
    this.#problems.delete(name);
    this.#queue.add(theQueue);
  }

  readonly #isVtep = (name: string): boolean => isVtepName(this.#settings.options, name);

  async #sync(): Promise<{ readonly againAfterMs: number }> {
    const node = this.#nodes.get(this.#settings.nodeName);
    // Nothing is known of what should be: what there is stays.
    if (!node) return { againAfterMs: resyncMs };
    this.#watch ??= await this.#settings.routing.watch((event) => this.#onEvent(event));
    if (this.#stopped) this.#watch.close();
    if (this.#mustObserve) await this.#observe(node);
    const failure = await this.#settle();
    this.#report();
    if (failure) throw failure;
    return { againAfterMs: resyncMs };
  }

  async #observe(node: NetworkNode): Promise<void> {
    this.#mustObserve = false;
    try {
      const links = await this.#settleLinks(node);
      await this.#settleOffload();
      const { isVtep } = this.#known;
      this.#programmed = await observeEntries(this.#settings.routing, links, isVtep);
      for (const key of this.#programmed.keys()) this.#dirty.add(key);
      for (const key of this.#wanted.keys()) this.#dirty.add(key);
      this.#linksAreSettled = true;
    } catch (error) {
      this.#mustObserve = true;
      this.#linksAreSettled = false;
      this.#report();
      throw error;
    }
  }

  async #settleLinks(node: NetworkNode) {
    const { options, routing } = this.#settings;
    for (let round = 1; ; round++) {
      const observed = await observeLinks(routing);
      const own = { ...node.internalIps, ...options.nodeIps };
      const self = { options, node, underlays: findUnderlays(observed, own, this.#isVtep) };
      const vteps = deriveVteps(self);
      this.#devices = new Map(observed.links.map(({ name = "", index }) => [name, index]));
      const names = new Map(observed.links.map(({ name = "", index }) => [index, name]));
      const vtepNames = new Map([...names].filter(([, name]) => this.#isVtep(name)));
      this.#known = { ...this.#known, vteps, underlays: self.underlays, names, vtepNames };
      await this.#become(self);
      const relevant = observed.links.filter(({ name = "" }) => this.#isVtep(name));
      const changes = planVteps(relevant, vteps, this.#isVtep);
      if (changes.length === 0) return observed;
      if (round > linkRounds) {
        const subject = `links ${vteps.map(({ name }) => name).join(", ")}`;
        throw new FairleadError("NETLINK_INTERRUPTED", { subject, reason: "somebody else changes them" });
      }
      await applyLinks(routing, changes);
    }
  }

  async #settleOffload(): Promise<void> {
    const { options, generic } = this.#settings;
    if (options.checksumOffload === undefined || !generic) return;
    for (const index of this.#known.vtepNames.keys()) await setTxChecksum(generic, index, options.checksumOffload);
  }

  /** Everything depends on what this node is: where that is another, all is derived anew. */
  async #become(self: Self): Promise<void> {
    const before = this.#self;
    this.#self = self;
    if (before && JSON.stringify(before) === JSON.stringify(self)) return;
    this.#wanted.set(ownEntries, deriveOwn(self));
    const pace = new Pace();
    for (const name of [...this.#nodes.keys()]) {
      await pace.next();
      const node = this.#nodes.get(name);
      if (node && name !== self.node.name) this.#derivePeer(node);
    }
  }

  #derivePeer(node: NetworkNode): void {
    if (!this.#self) return;
    const { entries, problems } = derivePeer(this.#self, node);
    this.#wanted.set(node.name, entries);
    if (problems.length === 0) this.#problems.delete(node.name);
    else this.#problems.set(node.name, problems);
  }

  /** Brings what changed to what is wanted, part by part. @returns what was refused first */
  async #settle(): Promise<Error | undefined> {
    // Addresses of links first, and together: see planEntries.
    const keys = [...this.#dirty].sort((a, b) => Number(isOfAddress(b)) - Number(isOfAddress(a)));
    this.#dirty.clear();
    const refusals: FairleadError[] = [];
    const pace = new Pace();
    for (let from = 0; from < keys.length; from += keysPerPart) {
      const part = keys.slice(from, from + keysPerPart);
      const steps = planEntries(part, this.#programmed, this.#wanted, this.#devices);
      await pace.next();
      if (steps.length === 0) continue;
      try {
        const refused = await applyEntries(this.#settings.routing, steps, this.#programmed);
        refusals.push(...refused.values());
      } catch (error) {
        // Outcomes are unknown: all is observed, and so nothing of what is left is forgotten.
        this.#mustObserve = true;
        return error as Error;
      }
    }
    if (refusals.length === 0) return undefined;
    this.#mustObserve = true;
    this.#queue.addAfter(theQueue, gatherMs);
    return refusals.find((error) => !isOutdated(error));
  }

  #onEvent(event: RoutingEvent): void {
    if (event.event === "failed") {
      this.#watch?.close();
      this.#watch = undefined;
    }
    const meaning = meaningOf(event, this.#known);
    if (meaning === undefined) return;
    if (meaning === "observe") this.#mustObserve = true;
    else if (!isNews(meaning, this.#known)) return;
    else {
      if (meaning.entry) this.#programmed.set(meaning.key, meaning.entry);
      else this.#programmed.delete(meaning.key);
      this.#dirty.add(meaning.key);
    }
    this.#queue.addAfter(theQueue, gatherMs);
  }

  #report(): void {
    const self = this.#self;
    if (!self || this.#stopped) return;
    this.#settings.onStatus({
      obstacle: deriveObstacle(self) ?? this.#unfinished(),
      podCidrs: self.node.podCidrs,
      podMtu: derivePodMtu(self),
      tunnelEnds: deriveVteps(self).map(({ local }) => local),
      annotations: deriveAnnotations(self),
      problems: new Map(this.#problems),
      entries: this.#programmed.size,
    });
  }

  /** Whether this node's own part is there: what leads to another node may be refused without harm to others. */
  #unfinished(): string | undefined {
    if (!this.#linksAreSettled) return "the overlay's links are not set up";
    const missing = deriveOwn(this.#self!).find((entry) => !this.#programmed.has(keyOf(entry)));
    return missing && `the overlay lacks its ${missing.kind}`;
  }
}
