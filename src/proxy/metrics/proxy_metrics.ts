/** What the proxy counts and times, under kube-proxy's names: definitions.ts has them. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { RequestMetrics } from "../../api/http/request_metrics.ts";
import type { SentRequest } from "../../api/http/transport.ts";
import type { IpFamily } from "../../model/service.ts";
import type { WantedPort } from "../derive/derive.ts";
import { definitions, type Definition, type MetricName } from "./definitions.ts";
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

export interface RequestRecord extends SentRequest {
  readonly host: string;
}

const families: readonly IpFamily[] = ["IPv4", "IPv6"];
const policies: readonly TrafficPolicy[] = ["internal", "external"];

export class ProxyMetrics {
  readonly registry = new Registry();
  readonly #requests = new RequestMetrics(this.registry);
  readonly #now: () => number;
  readonly #counters = new Map<MetricName, Counter>();
  readonly #gauges = new Map<MetricName, Gauge>();
  readonly #histograms = new Map<MetricName, Histogram>();
  /** What each object that changes moves is counted here, and told when somebody reads: a first list has many. */
  readonly #queuedMs: Partial<Record<IpFamily, number>> = {};
  readonly #changes = { service: 0, endpoint: 0 };
  readonly #pending = { service: 0, endpoint: 0 };

  constructor({ mode, now }: ProxyMetricsOptions) {
    this.#now = now;
    for (const name of Object.keys(definitions) as MetricName[]) this.#register(name, definitions[name], mode);
    for (const ip_family of families) {
      for (const traffic_policy of policies) this.#set("noLocalEndpoints", { ip_family, traffic_policy }, 0);
    }
  }

  /** A change was seen that waits to be programmed. */
  queued(family: IpFamily): void {
    this.#queuedMs[family] = this.#now();
  }

  /** What waited is programmed. */
  synced(family: IpFamily, { seconds, isFull, triggerTimes = [] }: SyncRecord): void {
    const labels = { ip_family: family };
    this.#observe("syncDuration", labels, seconds);
    this.#observe(isFull ? "fullSyncDuration" : "partialSyncDuration", labels, seconds);
    const now = this.#now();
    this.#set("lastSync", labels, now / 1000);
    for (const ms of triggerTimes) this.#observe("networkProgramming", labels, Math.max(0, now - ms) / 1000);
  }

  /** The kernel refused what waited; it is tried again. */
  syncFailed(family: IpFamily): void {
    this.#count("nftablesSyncFailures", { ip_family: family });
  }

  /** iptables-restore refused what was written. @param isPartial of changes alone */
  restoreFailed(family: IpFamily, isPartial: boolean): void {
    this.#count("iptablesRestoreFailures", { ip_family: family });
    if (isPartial) this.#count("iptablesPartialRestoreFailures", { ip_family: family });
  }

  /** Rules of kube-proxy's chains. @param written of them, in the last sync */
  rules(family: IpFamily, table: string, total: number, written: number): void {
    const labels = { ip_family: family, table };
    this.#set("iptablesRules", labels, total);
    this.#set("iptablesLastRules", labels, written);
  }

  /** Something that is not wanted any more could not be removed. */
  cleanupFailed(family: IpFamily): void {
    this.#count("nftablesCleanupFailures", { ip_family: family });
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
        if (ms !== undefined) this.#set("lastQueued", { ip_family: family }, ms / 1000);
      }
    },
    serviceChanges: () => this.#tellChanges("serviceChanges", "service"),
    endpointChanges: () => this.#tellChanges("endpointChanges", "endpoint"),
    serviceChangesPending: () => this.#set("serviceChangesPending", {}, this.#pending.service),
    endpointChangesPending: () => this.#set("endpointChangesPending", {}, this.#pending.endpoint),
  };

  #tellChanges(name: MetricName, what: "service" | "endpoint"): void {
    this.#counters.get(name)?.inc(this.#changes[what]);
    this.#changes[what] = 0;
  }

  /** A service port is programmed otherwise than before; undefined: not at all. */
  programmed(family: IpFamily, before: WantedPort | undefined, after: WantedPort | undefined): void {
    const gauge = this.#gauges.get("noLocalEndpoints");
    const move = (wanted: WantedPort | undefined, by: number): void => {
      for (const policy of withoutLocalEndpoints(wanted)) gauge?.inc({ ip_family: family, traffic_policy: policy }, by);
    };
    move(before, -1);
    move(after, 1);
  }

  /** Stale conntrack entries were looked for. */
  conntrackCleaned(family: IpFamily, seconds: number, deleted: number): void {
    const labels = { ip_family: family };
    this.#observe("conntrackDuration", labels, seconds);
    this.#counters.get("conntrackDeleted")?.inc(labels, deleted);
  }

  probed(probe: "healthz" | "livez", code: number): void {
    this.#count(probe, { code: String(code) });
  }

  /** A request to the API server. */
  requested({ host, ...sent }: RequestRecord): void {
    this.#requests.sent(host, sent);
  }

  #register(name: MetricName, definition: Definition, mode: string): void {
    const { type, labels = [], buckets = [], modes } = definition;
    if (modes && !modes.includes(mode)) return;
    // Upstream's help begins with the stability.
    const help = `[ALPHA] ${definition.help}`;
    const shared = { name: definition.name, help, labelNames: [...labels], registers: [this.registry] };
    const collect = (): void => this.#tellers[name]?.();
    if (type === "counter") this.#counters.set(name, new Counter({ ...shared, collect }));
    else if (type === "gauge") this.#gauges.set(name, new Gauge({ ...shared, collect }));
    else this.#histograms.set(name, new Histogram({ ...shared, buckets: [...buckets] }));
  }

  #count(name: MetricName, labels: Readonly<Record<string, string>>): void {
    this.#counters.get(name)?.inc(labels);
  }

  #set(name: MetricName, labels: Readonly<Record<string, string>>, value: number): void {
    this.#gauges.get(name)?.set(labels, value);
  }

  #observe(name: MetricName, labels: Readonly<Record<string, string>>, value: number): void {
    this.#histograms.get(name)?.observe(labels, value);
  }
}
