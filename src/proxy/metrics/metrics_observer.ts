/** The proxy's work as metrics. */
import type { EndpointSlice } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import type { FamilySync, Pending, SyncObserver } from "../agent/observer.ts";
import type { ProxyMetrics } from "./proxy_metrics.ts";
import { TriggerTimes } from "./trigger_times.ts";

export class MetricsObserver implements SyncObserver {
  readonly #metrics: ProxyMetrics;
  readonly #families: readonly IpFamily[];
  readonly #times: TriggerTimes;
  /** By the Service's name: changes that wait, of it and of its slices. */
  readonly #services = new Set<string>();
  readonly #endpoints = new Map<string, number>();
  #endpointsPending = 0;
  #hasBegun = false;

  /** @param startMs of the agent, ms since 1970 */
  constructor(metrics: ProxyMetrics, families: readonly IpFamily[], startMs: number) {
    this.#metrics = metrics;
    this.#families = families;
    this.#times = new TriggerTimes(startMs);
  }

  onPending(changed: Pending, isGone: boolean): void {
    for (const family of this.#families) this.#metrics.queued(family);
    const { kind, owner } = changed;
    if (kind === "Service") {
      this.#services.add(owner);
      return this.#metrics.changed("service", this.#services.size);
    }
    this.#endpoints.set(owner, (this.#endpoints.get(owner) ?? 0) + 1);
    this.#endpointsPending += 1;
    this.#metrics.changed("endpoint", this.#endpointsPending);
    this.#takeTime(changed, isGone);
  }

  /** Of the first list nothing is measured, and it is large: its objects need not be read for that. */
  #takeTime(changed: Pending, isGone: boolean): void {
    if (!this.#hasBegun) return;
    const slice = changed.object as EndpointSlice;
    if (isGone) this.#times.removed(changed.owner, slice);
    else this.#times.changed(changed.owner, slice);
  }

  onService(key: string): void {
    this.#times.derived(key);
    this.#services.delete(key);
    this.#endpointsPending -= this.#endpoints.get(key) ?? 0;
    this.#endpoints.delete(key);
    this.#metrics.pending("service", this.#services.size);
    this.#metrics.pending("endpoint", this.#endpointsPending);
  }

  onSynced({ family, changes, repaired, durationMs }: FamilySync): void {
    const triggerTimes = this.#times.take(family);
    this.#metrics.synced(family, { seconds: durationMs / 1000, isFull: repaired, triggerTimes });
    for (const { before, after } of changes) this.#metrics.programmed(family, before, after);
  }

  onTurn(): void {
    this.#hasBegun = true;
  }

  onFailed(family: IpFamily): void {
    this.#metrics.syncFailed(family);
  }
}
