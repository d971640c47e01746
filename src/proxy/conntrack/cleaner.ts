/**
 * Keeps conntrack free of flows of UDP and SCTP that go where nothing serves them any more. Beside the packets' path,
 * after the rules: a flow that is forgotten begins anew, by the rules that are there then.
 */
import type { IpAddress } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";
import type { ConntrackEntry } from "../../kernel/netlink/ctnetlink/entry.ts";
import type { ConntrackFilter } from "../../kernel/netlink/ctnetlink/filter.ts";
import type { ConntrackPort } from "../../kernel/ports.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Pace } from "../../reconcile/pace.ts";
import type { WantedPort } from "../derive/derive.ts";
import { FlowTable, type Dirty } from "./flow_table.ts";
import { isStale, planLists } from "./plan.ts";

export interface ConntrackCleanerOptions {
  readonly clock: Clock;
  /** Told of each time that a family's entries were looked through. */
  readonly onCleaned: (family: IpFamily, seconds: number, deleted: number) => void;
  /** Told of each attempt that failed; it is made again. */
  readonly onError: (error: unknown) => void;
}

/** Waits after a failure, in ms: doubled up to the longest. */
const firstRetryMs = 100;
const longestRetryMs = 30_000;
/** Between two times that entries are looked through, in ms. */
const longestPauseMs = 500;

const families: readonly IpFamily[] = ["IPv4", "IPv6"];

export class ConntrackCleaner {
  readonly #port: ConntrackPort;
  readonly #options: ConntrackCleanerOptions;
  readonly #table = new FlowTable();
  /** Service ports of UDP and SCTP that are, or were, programmed. */
  readonly #names = new Set<string>();
  /** What the table does not know yet. */
  #changes: (readonly [string, WantedPort | undefined])[] = [];
  #nodePortAddresses: ReadonlySet<IpAddress> = new Set();
  #running: Promise<void> | undefined;
  #cancelPause: (() => void) | undefined;
  readonly #waiting: (() => void)[] = [];
  #failures = 0;
  #closed = false;

  /** @param port somebody else's: it is not closed here */
  constructor(port: ConntrackPort, options: ConntrackCleanerOptions) {
    this.#port = port;
    this.#options = options;
  }

  /**
   * The kernel's rules are as these service ports want it from now on; not earlier, or flows would begin anew by the
   * old rules. What is stale by that is removed behind this call. The first time, which tells of all that there is,
   * makes up for what changed while nobody looked.
   *
   * @param ports by the service port's name; what is undefined is gone
   */
  programmed(family: IpFamily, ports: Iterable<readonly [string, WantedPort | undefined]>): void {
    for (const [port, wanted] of ports) {
      // As of most clusters, of which a first sync tells all.
      if (this.#names.size === 0 && !hasFlows(wanted)) continue;
      const name = `${family} ${port}`;
      if (!hasFlows(wanted) && !this.#names.has(name)) continue;
      this.#names.add(name);
      this.#changes.push([name, wanted]);
    }
    this.#start();
  }

  /** The addresses at which node ports are served, once rules say so. */
  setNodePortAddresses(addresses: Iterable<IpAddress>): void {
    const before = this.#nodePortAddresses;
    this.#nodePortAddresses = new Set(addresses);
    if ([...this.#nodePortAddresses].every((address) => before.has(address))) return;
    this.#table.soilNodePorts();
    this.#start();
  }

  /** Waits until what was programmed so far is clean, or an attempt failed. */
  async settled(): Promise<void> {
    await this.#running;
    while (this.#cancelPause && this.#isDue && this.#failures === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    await this.#running;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  get #isDue(): boolean {
    return this.#table.isDirty || this.#changes.length > 0;
  }

  #start(): void {
    if (this.#running || this.#cancelPause || this.#closed || !this.#isDue) return;
    const startMs = performance.now();
    this.#running = this.#clean()
      .then(
        () => {
          this.#failures = 0;
          // A third of the time at most, as long as that is short: changes that come meanwhile are cleaned together.
          return Math.min(longestPauseMs, 2 * (performance.now() - startMs));
        },
        (error: unknown) => {
          this.#options.onError(error);
          return Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++);
        },
      )
      .then((pauseMs) => {
        this.#running = undefined;
        this.#pause(pauseMs);
        for (const resolve of this.#waiting.splice(0)) resolve();
      });
  }

  #pause(ms: number): void {
    if (this.#closed) return;
    this.#cancelPause = this.#options.clock.after(ms, () => {
      this.#cancelPause = undefined;
      this.#start();
    });
  }

  async #clean(): Promise<void> {
    await this.#takeChanges();
    const dirty = this.#table.take();
    try {
      for (const family of families) await this.#cleanFamily(family, dirty);
    } catch (error) {
      this.#table.giveBack(dirty);
      throw error;
    }
  }

  /** Thousands at the start. */
  async #takeChanges(): Promise<void> {
    const pace = new Pace();
    while (this.#changes.length > 0) {
      const changes = this.#changes;
      this.#changes = [];
      for (const [name, wanted] of changes) {
        this.#table.set(name, wanted);
        if (wanted === undefined) this.#names.delete(name);
        else this.#names.add(name);
        await pace.next();
      }
    }
  }

  async #cleanFamily(family: IpFamily, dirty: ReadonlyMap<string, Dirty>): Promise<void> {
    const kernelFamily = family === "IPv4" ? "ip" : "ip6";
    const frontends = [...dirty.values()].map(({ frontend }) => frontend);
    const lists = planLists(frontends.filter((frontend) => frontend.family === kernelFamily));
    if (lists.length === 0) return;
    const startMs = performance.now();
    let deleted = 0;
    for (const filter of lists) deleted += await this.#cleanListed(filter, dirty);
    this.#options.onCleaned(family, (performance.now() - startMs) / 1000, deleted);
  }

  async #cleanListed(filter: ConntrackFilter, dirty: ReadonlyMap<string, Dirty>): Promise<number> {
    const entries = await this.#port.list([filter]);
    const context = { table: this.#table, dirty, nodePortAddresses: this.#nodePortAddresses };
    const stale: ConntrackEntry[] = [];
    const pace = new Pace();
    for (const entry of entries) {
      if (isStale(entry, context)) stale.push(entry);
      await pace.next();
    }
    return this.#port.delete(stale);
  }
}

function hasFlows(wanted: WantedPort | undefined): boolean {
  if (wanted !== undefined) for (const { protocol } of wanted.frontends) if (protocol !== "TCP") return true;
  return false;
}
