/**
 * Looks what the node runs short of, and makes room: first by what nobody uses, then by pods, one at a time
 * (pkg/kubelet/eviction). What it finds short is the node's conditions.
 */
import type { EventRecorder, EventSubject } from "../../api/event_recorder.ts";
import type { Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Pauses } from "../../reconcile/pauses.ts";
import { Periodic } from "../../reconcile/periodic.ts";
import { isCritical } from "../admission/critical.ts";
import type { NodePressures, Pressure } from "../node/conditions.ts";
import type { NodeMetrics } from "../node/metrics.ts";
import type { Failure } from "../pods/status/input.ts";
import { exceededDiskLimit, hasDiskLimits } from "./local_storage.ts";
import { evictionMessage } from "./message.ts";
import { calm, crossed, planEviction, type EvictionState } from "./plan.ts";
import { rankPods } from "./rank.ts";
import { pressureOf, resourceOf, type Observations, type Signal, type Threshold } from "./signals.ts";
import type { NodeStats } from "./stats.ts";
import type { PodUse } from "./usage.ts";

/** A pod that can be ended. */
export interface Evictable {
  readonly pod: Pod;
  /** It runs, and nobody ends it yet. */
  readonly isActive: boolean;
  /** Nothing of it runs any more. */
  readonly hasEnded: boolean;
  evict(failure: Failure, graceSeconds: number): void;
}

export interface EvictionOptions {
  readonly stats: NodeStats;
  readonly thresholds: readonly Threshold[];
  readonly transitionMs: number;
  readonly maxPodGraceSeconds: number;
  /** localStorageCapacityIsolation: limits of emptyDirs and of ephemeral storage hold. */
  readonly isolatesDisk: boolean;
  readonly pods: () => readonly Evictable[];
  /** Frees disk: containers that have ended for good, and images that nobody uses. */
  readonly reclaim: { containers(): Promise<void>; images(): Promise<void> };
  readonly events: EventRecorder;
  readonly node: EventSubject;
  readonly metrics?: Pick<NodeMetrics, "evicted" | "evictionStatsAged">;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
  /** Between two looks, in ms; default: upstream's. */
  readonly periodMs?: number;
}

/** evictionMonitoringPeriod, podCleanupTimeout, podCleanupPollFreq. */
const defaultPeriodMs = 10_000;
const cleanupTimeoutMs = 30_000;
const cleanupPollMs = 1000;
/** A hard threshold leaves no time to end well in (immediateEvictionGracePeriodSeconds). */
const hardGraceSeconds = 1;

export class EvictionManager implements NodePressures {
  readonly #options: EvictionOptions;
  current: readonly Pressure[] = [];
  #state: EvictionState = calm;
  #hasImageFs: boolean | undefined;
  readonly #loop: Periodic;
  readonly #pauses: Pauses;

  constructor(options: EvictionOptions) {
    this.#options = options;
    this.#loop = new Periodic(options.clock, () => this.#look());
    this.#pauses = new Pauses(options.clock);
  }

  start(): void {
    void this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
    this.#pauses.wake();
  }

  /** One look, and what follows from it. @returns who was evicted */
  async turn(): Promise<readonly Evictable[]> {
    const { stats, thresholds, transitionMs, clock, isolatesDisk } = this.#options;
    this.#hasImageFs ??= await stats.hasImageFs();
    const readAtMs = clock.now();
    const observations = await stats.signals();
    const plan = planEviction(this.#state, thresholds, observations, clock.now(), transitionMs);
    this.#state = plan.state;
    this.current = plan.pressures;
    const active = this.#options.pods().filter(({ isActive }) => isActive);
    const evicted = isolatesDisk ? await this.#overLimits(active) : [];
    if (evicted.length > 0 || plan.starved.length === 0) return evicted;
    return this.#makeRoom(plan.starved, active, { observations, readAtMs });
  }

  async #look(): Promise<number> {
    try {
      const evicted = await this.turn();
      if (evicted.length > 0) {
        await this.#ended(evicted);
        return 0;
      }
    } catch (error) {
      this.#options.onError("look what the node runs short of", error);
    }
    return this.#options.periodMs ?? defaultPeriodMs;
  }

  /** Room that is being made is waited for, within reason: else the next pod would go for nothing. */
  async #ended(evicted: readonly Evictable[]): Promise<void> {
    const untilMs = this.#options.clock.now() + cleanupTimeoutMs;
    while (!this.#loop.isStopped && !evicted.every(({ hasEnded }) => hasEnded)) {
      if (this.#options.clock.now() >= untilMs) return;
      await this.#pauses.pause(cleanupPollMs);
    }
  }

  async #overLimits(active: readonly Evictable[]): Promise<readonly Evictable[]> {
    const limited = active.filter(({ pod }) => hasDiskLimits(pod));
    if (limited.length === 0) return [];
    const uses = await this.#options.stats.pods(limited.map(({ pod }) => pod));
    return limited.filter((one) => {
      const use = uses.get(one.pod.metadata.uid);
      const exceeded = use && exceededDiskLimit(one.pod, use, this.#hasImageFs ?? false);
      if (!exceeded) return false;
      // What a pod did to itself is no disruption (KEP-3329).
      const failure = { reason: "Evicted", message: exceeded.message };
      return this.#evict(one, exceeded.signal, failure, hardGraceSeconds);
    });
  }

  async #makeRoom(
    starved: readonly Threshold[],
    active: readonly Evictable[],
    { observations, readAtMs }: { readonly observations: Observations; readonly readAtMs: number },
  ): Promise<readonly Evictable[]> {
    const threshold = starved[0]!;
    const { signal, graceMs } = threshold;
    const { events, node, stats, maxPodGraceSeconds, metrics, clock } = this.#options;
    const resource = resourceOf(signal);
    events.event(node, "Warning", "EvictionThresholdMet", `Attempting to reclaim ${resource}`);
    if (await this.#reclaimed(signal)) return [];
    const uses: ReadonlyMap<string, PodUse> = await stats.pods(active.map(({ pod }) => pod));
    const useOf = ({ metadata }: Pod): PodUse | undefined => uses.get(metadata.uid);
    const ranked = rankPods(
      active.map(({ pod }) => pod),
      signal,
      this.#hasImageFs ?? false,
      useOf,
    );
    for (const one of starved) metrics?.evictionStatsAged(one.signal, (clock.now() - readAtMs) / 1000);
    for (const pod of ranked) {
      const one = active.find((candidate) => candidate.pod === pod)!;
      const message = evictionMessage(threshold, pod, useOf(pod), observations);
      const failure = { reason: "Evicted", message, disruption: message };
      if (this.#evict(one, signal, failure, graceMs === 0 ? hardGraceSeconds : maxPodGraceSeconds)) return [one];
    }
    return [];
  }

  /** @returns whether enough is free now, minimum reclaims included */
  async #reclaimed(signal: Signal): Promise<boolean> {
    const { reclaim, stats, thresholds, onError } = this.#options;
    // Logs and volumes, which are all that a separate nodefs holds, are pods' own.
    if (pressureOf(signal) !== "DiskPressure" || (this.#hasImageFs && signal.startsWith("nodefs."))) return false;
    for (const free of [() => reclaim.containers(), () => reclaim.images()]) {
      await free().catch((error: unknown) => onError("free disk", error));
    }
    return crossed(thresholds, await stats.signals(), true).length === 0;
  }

  #evict(one: Evictable, signal: string, failure: Failure, graceSeconds: number): boolean {
    if (isCritical(one.pod)) return false;
    this.#options.metrics?.evicted(signal);
    this.#options.events.event(one.pod, "Warning", failure.reason, failure.message);
    one.evict(failure, Math.max(1, graceSeconds));
    return true;
  }
}
