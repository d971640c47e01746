/**
 * The proxy of one node: follows Services and what else they depend on, and keeps the kernel as they want it. One
 * change is derived, planned and written alone; what comes while a transaction is under way goes with the next.
 */
import { messageOf } from "../../errors/message.ts";
import type { Client } from "../../api/client.ts";
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { RoutingPort } from "../../kernel/ports.ts";
import type { FrontendCount, IpFamily } from "../../model/service.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Pace } from "../../reconcile/pace.ts";
import type { DeriveOptions } from "../derive/frontends.ts";
import type { Problem, Report } from "../derive/problems.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import { hostIps, localDetector, nodeIps, ofFamily, podCidrs, zoneOf } from "./derive.ts";
import { FamilyProxy } from "./family.ts";
import { deriveKept } from "./derive_kept.ts";
import type { ProxyMode, RulesWatch } from "./mode.ts";
import { NodeAddresses } from "./node_addresses.ts";
import type { SyncObserver } from "./observer.ts";
import { OwnNode } from "./own_node.ts";
import { ServiceCidrs } from "./service_cidrs.ts";
import { ServiceStates } from "./services.ts";
import { Turns } from "./turns.ts";

export interface AgentLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AgentOptions {
  readonly client: Client;
  readonly mode: ProxyMode;
  readonly routing: RoutingPort;
  readonly config: KubeProxyConfiguration;
  readonly nodeName: string;
  /** Those that the kernel has. */
  readonly families: readonly IpFamily[];
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly observer?: SyncObserver;
}

/** How long the node may take to have addresses, and ranges of pods where they are needed, in ms (upstream: 5 minutes). */
const nodeTimeoutMs = 300_000;
/** What a server that does not answer is waited for before it is said, in ms. */
const patienceMs = 30_000;
const cidrsTimeoutMs = 2000;
/** Services of one transaction. */
const partLength = 1000;
/** Of the one that makes a table: what it takes to observe and plan a whole one, other parts do not take. */
const firstPartLength = 50;
/** The whole is observed so often, though nobody was seen to change it, in ms (upstream: FullSyncPeriod). */
const observeEveryMs = 3_600_000;

export class ProxyAgent {
  readonly #options: AgentOptions;
  readonly #observer: SyncObserver;
  readonly #node: OwnNode;
  readonly #addresses: NodeAddresses;
  readonly #cidrs: ServiceCidrs;
  readonly #states: ServiceStates;
  readonly #watch: RulesWatch;
  readonly #turns: Turns;
  #families: readonly FamilyProxy[] = [];
  #zone = "";
  #isReady = false;
  #factsChanged = true;
  #observedAtMs = 0;
  #cancelResync: (() => void) | undefined;
  #stopped = false;

  constructor(options: AgentOptions) {
    const { client, mode, routing, nodeName: name, clock } = options;
    this.#options = options;
    this.#observer = options.observer ?? {};
    const facts = (): void => this.#onFacts();
    const failed = (what: string) => (error: unknown) => this.#warn(`cannot follow ${what}; it is tried again`, error);
    this.#node = new OwnNode(client, {
      name,
      clock,
      onChange: (isGone) => this.#onNode(isGone),
      onError: failed("the node"),
    });
    this.#addresses = new NodeAddresses({ routing, onChange: facts, onError: failed("this machine's addresses") });
    this.#cidrs = new ServiceCidrs(client, { clock, onChange: facts, onError: failed("servicecidrs") });
    this.#states = new ServiceStates(client, {
      clock,
      nodeName: name,
      observer: this.#observer,
      onChange: () => this.#request(),
      onError: (resource, error) => failed(resource)(error),
    });
    this.#watch = mode.watch({
      onForeign: (why) => this.#repair(why),
      onError: failed("changes of our rules"),
    });
    this.#turns = new Turns({
      turn: () => this.#turn(),
      minPeriodMs: mode.section.minSyncPeriod,
      maxRetryMs: mode.section.syncPeriod,
      onError: (error) => this.#warn("cannot program the Services; it is tried again", error),
      clock,
    });
  }

  /**
   * Resolves when the kernel holds what the Services want.
   *
   * @throws FairleadError where the node does not come, or the kernel cannot be followed
   */
  async start(): Promise<void> {
    for (const part of [this.#node, this.#states, this.#cidrs]) part.start();
    await Promise.all([
      this.#addresses.start(),
      this.#watch.start(),
      this.#awaitNode(),
      this.#cidrs.settled(cidrsTimeoutMs),
    ]);
    this.#zone = zoneOf(this.#node.node);
    const { mode, families } = this.#options;
    this.#families = families.map((family) => new FamilyProxy(mode.rules(this.#modeOptions(family))));
    await Promise.all([...this.#families.map((family) => family.adopt()), this.#awaitServices()]);
    if (this.#stopped) return;
    this.#isReady = true;
    this.#observedAtMs = this.#options.clock.now();
    const synced = this.#firstSync();
    this.#turns.request();
    await synced;
    this.#resyncLater();
  }

  /** What is programmed stays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#isReady = false;
    this.#cancelResync?.();
    for (const part of [this.#node, this.#states, this.#cidrs, this.#addresses, this.#watch]) part.stop();
    this.#onFirstSync?.();
    await this.#turns.stop();
  }

  #onFirstSync: (() => void) | undefined;

  #firstSync(): Promise<void> {
    return new Promise((resolve) => (this.#onFirstSync = resolve));
  }

  /** What the kernel has counted of each frontend, of every family. */
  async frontendCounts(): Promise<readonly FrontendCount[]> {
    const counts = await Promise.all(this.#families.map((family) => family.counts()));
    return counts.flat();
  }

  async #awaitNode(): Promise<void> {
    const needsPods = this.#options.config.detectLocalMode === "NodeCIDR";
    const came = await this.#node.until(
      (node) => hostIps(node).length > 0 && (!needsPods || podCidrs(node).length > 0),
      nodeTimeoutMs,
    );
    if (came || this.#stopped) return;
    const { node } = this.#node;
    const lacks = node === undefined ? "it is not there" : "it has no address, or no podCIDRs";
    throw new FairleadError("PROXY_NODE", { subject: this.#options.nodeName, reason: lacks });
  }

  async #awaitServices(): Promise<void> {
    while (!this.#stopped && !(await this.#states.synced(patienceMs))) {
      this.#options.log.warn({}, "Services and EndpointSlices have not come yet");
    }
  }

  #request(): void {
    if (this.#isReady) this.#turns.request();
  }

  #onFacts(): void {
    this.#factsChanged = true;
    this.#request();
  }

  #onNode(isGone: boolean): void {
    this.#observer.onNode?.(isGone ? undefined : this.#node.node);
    if (isGone) return this.#options.log.warn({ node: this.#options.nodeName }, "the Node object is gone");
    const zone = zoneOf(this.#node.node);
    const isElsewhere = zone !== this.#zone;
    this.#zone = zone;
    if (isElsewhere && this.#isReady) this.#states.changeAll();
    this.#onFacts();
  }

  #repair(why: string): void {
    if (!this.#isReady) return;
    this.#options.log.info({ why }, "observing the tables");
    for (const family of this.#families) family.repairNext();
    this.#turns.request();
  }

  async #turn(): Promise<void> {
    const startedMs = performance.now();
    this.#configure();
    await this.#write([...this.#states.takeChanged()]);
    this.#observer.onTurn?.(performance.now() - startedMs);
    this.#onFirstSync?.();
  }

  /** Many are written in parts: a transaction of all would keep the event loop, and be held in memory whole. */
  async #write(keys: readonly string[]): Promise<void> {
    const isWhole = this.#families.some(({ mustKnowAll }) => mustKnowAll);
    let derived = 0;
    let writing = Promise.resolve();
    try {
      do {
        const part = keys.slice(derived, derived + (isWhole ? keys.length : this.#partLength));
        derived += part.length;
        await this.#derive(part);
        await writing;
        writing = this.#sync();
        // The next part is derived while the kernel works on this one; not while a table is observed and planned whole.
        if (derived === part.length) await writing;
        else writing.catch(() => undefined);
      } while (derived < keys.length);
      await writing;
    } finally {
      // Of what was derived the tables know already.
      this.#states.changeAgain(keys.slice(derived));
    }
  }

  get #partLength(): number {
    return this.#families.some(({ mustRepair }) => mustRepair) ? firstPartLength : partLength;
  }

  /** Facts of the machine and the node change seldom, Services often. */
  #configure(): void {
    if (!this.#factsChanged) return;
    for (const family of this.#families) family.configure(this.#modeOptions(family.family));
    this.#factsChanged = false;
  }

  async #sync(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#families.map((family) => this.#syncFamily(family)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed) throw failed.reason;
  }

  async #derive(keys: readonly string[]): Promise<void> {
    const ips = Object.values(nodeIps(this.#node.node, this.#options.config.bindAddress));
    const options: DeriveOptions = {
      node: { name: this.#options.nodeName, zone: this.#zone, ips },
      masqueradeAll: this.#options.mode.section.masqueradeAll,
    };
    const pace = new Pace();
    for (const key of keys) {
      const service = this.#states.service(key);
      const slices = this.#states.slices(key);
      const problems = new Map<string, Problem>();
      const report = (problem: Problem): void => void problems.set(`${problem.field} ${problem.reason}`, problem);
      const wanted = deriveKept(service, slices, options, report);
      for (const family of this.#families) this.#deriveOne(family, key, wanted, report);
      this.#observer.onService?.(key, service, slices, [...problems.values()]);
      await pace.next();
    }
  }

  /** One Service that nobody foresaw must not stop the others. */
  #deriveOne(family: FamilyProxy, key: string, wanted: ReturnType<typeof deriveKept>, report: Report): void {
    try {
      const others = family.set(key, wanted(family.family), report);
      if (others.length === 0) return;
      this.#states.changeAgain(others);
      this.#turns.request();
    } catch (error) {
      this.#warn(`cannot derive Service ${key}`, error);
    }
  }

  async #syncFamily(family: FamilyProxy): Promise<void> {
    try {
      const sync = await family.sync();
      await this.#observer.onSynced?.(sync);
    } catch (error) {
      this.#observer.onFailed?.(family.family, error);
      throw error;
    }
  }

  #modeOptions(family: IpFamily): ModeOptions {
    const { config, mode } = this.#options;
    const { node } = this.#node;
    const ips = nodeIps(node, config.bindAddress);
    return {
      family,
      masqueradeMark: (1 << mode.section.masqueradeBit) >>> 0,
      local: localDetector(config, node, family),
      nodePortAddresses: mode.nodePortAddresses(ips, this.#addresses.all, family),
      serviceCidrs: ofFamily(this.#cidrs.all, family),
      nodeIp: ips[family],
      ...(mode.needsLocalAddresses ? { localAddresses: this.#addresses.of(family) } : {}),
    };
  }

  #resyncLater(): void {
    if (this.#stopped) return;
    this.#cancelResync = this.#options.clock.after(this.#options.mode.section.syncPeriod, () => {
      void this.#resync().finally(() => this.#resyncLater());
    });
  }

  /** Costs one question where every change was seen, as is usual. */
  async #resync(): Promise<void> {
    const { clock } = this.#options;
    try {
      const isDue = clock.now() - this.#observedAtMs >= observeEveryMs;
      if (!isDue && (await this.#watch.sawEverything())) return;
      this.#observedAtMs = clock.now();
      this.#repair(isDue ? "it is time to" : "a change was not seen");
    } catch (error) {
      this.#warn("cannot ask for the tables' generation", error);
    }
  }

  #warn(message: string, error: unknown): void {
    if (this.#stopped) return;
    this.#options.log.warn({ error: messageOf(error) }, message);
  }
}
