/** What the proxy counts and times, under kube-proxy's names: definitions.ts has them. */
import { Registry } from "prom-client";
import { RequestMetrics } from "../../api/http/request_metrics.ts";
import { MetricSet } from "../../http/metric_set.ts";
import type { IpFamily } from "../../model/service.ts";
import type { WantedPort } from "../derive/derive.ts";
import { definitionsOf, type MetricName } from "./definitions.ts";
import { withoutLocalEndpoints, type TrafficPolicy } from "./derive.ts";

export interface ProxyMetricsOptions {
  /** The mode that is used: it decides which metrics there are. */
  readonly mode: string;
  /** ms since 1970. */
  readonly now: () => number;
}

export interface SyncRecord {
  readonly seconds: number;
  /** All that there is was looked at, rather than what changed. */
  readonly isFull: boolean;
  /** When the changes of endpoints began that are programmed now: TriggerTimes.take. */
  readonly triggerTimes?: readonly number[];
}

const families: readonly IpFamily[] = ["IPv4", "IPv6"];
const policies: readonly TrafficPolicy[] = ["internal", "external"];

export class ProxyMetrics {
  readonly registry = new Registry();
  /** Of requests to the API server. */
  readonly requests = new RequestMetrics(this.registry);
  readonly #now: () => number;
  readonly #metrics: MetricSet<MetricName>;
  /** What each object that changes moves is counted here, and told when somebody reads: a first list has many. */
  readonly #queuedMs: Partial<Record<IpFamily, number>> = {};
  readonly #changes = { service: 0, endpoint: 0 };
  readonly #pending = { service: 0, endpoint: 0 };

  constructor({ mode, now }: ProxyMetricsOptions) {
    this.#now = now;
    this.#metrics = new MetricSet(this.registry, definitionsOf(mode), this.#tellers);
    for (const ip_family of families) {
      for (const traffic_policy of policies) this.#metrics.set("noLocalEndpoints", 0, { ip_family, traffic_policy });
    }
  }

  /** A change was seen that waits to be programmed. */
  queued(family: IpFamily): void {
    this.#queuedMs[family] = this.#now();
  }

  /** What waited is programmed. */
  synced(family: IpFamily, { seconds, isFull, triggerTimes = [] }: SyncRecord): void {
    const labels = { ip_family: family };
    this.#metrics.observe("syncDuration", seconds, labels);
    this.#metrics.observe(isFull ? "fullSyncDuration" : "partialSyncDuration", seconds, labels);
    const now = this.#now();
    this.#metrics.set("lastSync", now / 1000, labels);
    for (const ms of triggerTimes) this.#metrics.observe("networkProgramming", Math.max(0, now - ms) / 1000, labels);
  }

  /** The kernel refused what waited; it is tried again. */
  syncFailed(family: IpFamily): void {
    this.#metrics.count("nftablesSyncFailures", { ip_family: family });
  }

  /** iptables-restore refused what was written. @param isPartial of changes alone */
  restoreFailed(family: IpFamily, isPartial: boolean): void {
    this.#metrics.count("iptablesRestoreFailures", { ip_family: family });
    if (isPartial) this.#metrics.count("iptablesPartialRestoreFailures", { ip_family: family });
  }

  /** Rules of kube-proxy's chains. @param written of them, in the last sync */
  rules(family: IpFamily, table: string, total: number, written: number): void {
    const labels = { ip_family: family, table };
    this.#metrics.set("iptablesRules", total, labels);
    this.#metrics.set("iptablesLastRules", written, labels);
  }

  /** A Service or a slice changed. @param pending how many of them wait now, with this one */
  changed(what: "service" | "endpoint", pending: number): void {
    this.#changes[what]++;
    this.#pending[what] = pending;
  }

  pending(what: "service" | "endpoint", count: number): void {
    this.#pending[what] = count;
  }

  /** Of metrics that are told when they are read. */
  readonly #tellers: Readonly<Partial<Record<MetricName, () => void>>> = {
    lastQueued: () => {
      for (const family of families) {
        const ms = this.#queuedMs[family];
        if (ms !== undefined) this.#metrics.set("lastQueued", ms / 1000, { ip_family: family });
      }
    },
    serviceChanges: () => this.#tellChanges("serviceChanges", "service"),
    endpointChanges: () => this.#tellChanges("endpointChanges", "endpoint"),
    serviceChangesPending: () => this.#metrics.set("serviceChangesPending", this.#pending.service),
    endpointChangesPending: () => this.#metrics.set("endpointChangesPending", this.#pending.endpoint),
  };

  #tellChanges(name: MetricName, what: "service" | "endpoint"): void {
    this.#metrics.count(name, {}, this.#changes[what]);
    this.#changes[what] = 0;
  }

  /** A service port is programmed otherwise than before; undefined: not at all. */
  programmed(family: IpFamily, before: WantedPort | undefined, after: WantedPort | undefined): void {
    const move = (wanted: WantedPort | undefined, by: number): void => {
      for (const policy of withoutLocalEndpoints(wanted)) {
        this.#metrics.add("noLocalEndpoints", by, { ip_family: family, traffic_policy: policy });
      }
    };
    move(before, -1);
    move(after, 1);
  }

  /** Stale conntrack entries were looked for. */
  conntrackCleaned(family: IpFamily, seconds: number, deleted: number): void {
    const labels = { ip_family: family };
    this.#metrics.observe("conntrackDuration", seconds, labels);
    this.#metrics.count("conntrackDeleted", labels, deleted);
  }

  probed(probe: "healthz" | "livez", code: number): void {
    this.#metrics.count(probe, { code: String(code) });
  }
}
