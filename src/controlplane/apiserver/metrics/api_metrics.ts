/** /metrics under upstream's names (apiserver, endpoints/metrics and storage/etcd3/metrics), in Prometheus's text format. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { registerProcessMetrics } from "../../../http/process_metrics.ts";
import type { ApiResponse } from "../context.ts";
import type { InFlightKind, RequestObserver, RequestRecord } from "../http/observer.ts";
import type { RequestInfo } from "../request/info.ts";
import type { Resource } from "../resources/resource.ts";
import { qualified } from "../status.ts";
import { verbOf, type Labels } from "./labels.ts";
import type { StoredResource } from "./measured_store.ts";

/** What is asked when the metrics are. */
export interface MetricsSources {
  readonly inFlight: () => Readonly<Record<InFlightKind, number>>;
  /** A resource in a version; undefined where there is none: then its name is no label. */
  readonly find: (group: string, version: string, plural: string) => Resource | undefined;
  /** Numbers of objects, by resource. */
  readonly counts: () => Iterable<readonly [Resource, number]>;
}

/** Upstream's, in seconds. */
const durationBuckets = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
/** 1 KB to 1 GB. */
const sizeBuckets = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
const requestLabels = ["verb", "group", "version", "resource", "subresource", "scope", "component"] as const;

export class ApiMetrics implements RequestObserver {
  readonly registry = new Registry();
  readonly #requests: Counter;
  readonly #durations: Histogram;
  readonly #sizes: Histogram;
  readonly #longRunning: Gauge;
  readonly #watchEvents: Counter;
  readonly #rejected: Counter;
  readonly #storeDurations: Histogram;
  readonly #storeRequests: Counter;
  readonly #storeErrors: Counter;
  #sources: MetricsSources | undefined;

  /** @param options.ofProcess process_* too: one server of a process has them */
  constructor(options: { readonly ofProcess?: boolean } = {}) {
    const registers = [this.registry];
    const counter = (name: string, help: string, labelNames: readonly string[]): Counter =>
      new Counter({ name, help, labelNames: [...labelNames], registers });
    const histogram = (name: string, help: string, labelNames: readonly string[], buckets: number[]): Histogram =>
      new Histogram({ name, help, labelNames: [...labelNames], buckets, registers });

    this.#requests = counter(
      "apiserver_request_total",
      "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
      [...requestLabels, "dry_run", "code"],
    );
    this.#durations = histogram(
      "apiserver_request_duration_seconds",
      "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
      [...requestLabels, "dry_run"],
      durationBuckets,
    );
    this.#sizes = histogram(
      "apiserver_response_sizes",
      "Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
      requestLabels,
      sizeBuckets,
    );
    this.#longRunning = new Gauge({
      name: "apiserver_longrunning_requests",
      help: "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.",
      labelNames: [...requestLabels],
      registers,
    });
    this.#watchEvents = counter("apiserver_watch_events_total", "Number of events sent in watch clients", [
      "group",
      "version",
      "resource",
    ]);
    this.#rejected = counter(
      "apiserver_dropped_requests_total",
      "Number of requests dropped with 'Try again later' response",
      ["request_kind"],
    );
    const storeLabels = ["operation", "group", "resource"];
    this.#storeDurations = histogram(
      "etcd_request_duration_seconds",
      "Etcd request latency in seconds for each operation and object type.",
      storeLabels,
      durationBuckets,
    );
    this.#storeRequests = counter(
      "etcd_requests_total",
      "Etcd request counts for each operation and object type.",
      storeLabels,
    );
    this.#storeErrors = counter(
      "etcd_request_errors_total",
      "Etcd failed request counts for each operation and object type.",
      storeLabels,
    );
    this.#gauges();
    if (options.ofProcess) registerProcessMetrics(this.registry);
  }

  /** What is looked up only when it is asked for. */
  #gauges(): void {
    const sources = (): MetricsSources | undefined => this.#sources;
    const registers = [this.registry];
    new Gauge({
      name: "apiserver_current_inflight_requests",
      help: "Number of currently used inflight request limit of this apiserver per request kind.",
      labelNames: ["request_kind"],
      registers,
      collect() {
        const current = sources()?.inFlight();
        for (const kind of ["readOnly", "mutating"] as const) this.set({ request_kind: kind }, current?.[kind] ?? 0);
      },
    });
    new Gauge({
      name: "apiserver_storage_objects",
      help: "Number of stored objects at the time of last check split by kind.",
      labelNames: ["resource"],
      registers,
      collect() {
        for (const [resource, count] of sources()?.counts() ?? []) this.set({ resource: qualified(resource) }, count);
      },
    });
    new Gauge({
      name: "apiserver_resource_objects",
      help: "Number of stored objects at the time of last check split by kind.",
      labelNames: ["group", "resource"],
      registers,
      collect() {
        for (const [{ group, plural }, count] of sources()?.counts() ?? [])
          this.set({ group, resource: plural }, count);
      },
    });
  }

  /** Where the server's state is read from. */
  follow(sources: MetricsSources): void {
    this.#sources = sources;
  }

  async respond(): Promise<ApiResponse> {
    const text = await this.registry.metrics();
    return { code: 200, contentType: this.registry.contentType, body: Buffer.from(text) };
  }

  longRunning(info: RequestInfo): () => void {
    const labels = this.#labels(info, verbOf(info, "", ""));
    this.#longRunning.inc(labels);
    return () => this.#longRunning.dec(labels);
  }

  watchEvent({ group, version, resource }: RequestInfo): void {
    this.#watchEvents.inc({ group, version, resource });
  }

  rejected(kind: InFlightKind): void {
    this.#rejected.inc({ request_kind: kind });
  }

  done({ info, method, code, latencyMs, contentType, isDryRun, responseBytes }: RequestRecord): void {
    const verb = verbOf(info, method, contentType);
    const labels = this.#labels(info, verb);
    const withDryRun = { ...labels, dry_run: isDryRun ? "All" : "" };
    this.#durations.observe(withDryRun, latencyMs / 1000);
    this.#requests.inc({ ...withDryRun, code: String(code) });
    if (verb === "GET" || verb === "LIST") this.#sizes.observe(labels, responseBytes);
  }

  /** An operation of the store has ended. */
  storeRequest(operation: string, on: StoredResource, seconds: number, isError: boolean): void {
    const labels = { operation, ...on };
    this.#storeDurations.observe(labels, seconds);
    this.#storeRequests.inc(labels);
    if (isError) this.#storeErrors.inc(labels);
  }

  /** Clients choose paths: only what there is becomes a label, so that they cannot make ever more series. */
  #labels(info: RequestInfo | undefined, verb: string): Labels {
    const found = info?.isResource ? this.#sources?.find(info.group, info.version, info.resource) : undefined;
    const none = { verb, group: "", version: "", resource: "", subresource: "", scope: "", component: "apiserver" };
    if (!info || !found) return none;
    const { group, version, resource, namespace, name } = info;
    const hasSubresource = found.subresources.some((subresource) => subresource.name === info.subresource);
    // As upstream: one object's requests are its namespace's, lists are of a namespace or the cluster.
    const scope = name !== "" || verb === "POST" ? "resource" : namespace !== "" ? "namespace" : "cluster";
    return { ...none, group, version, resource, subresource: hasSubresource ? info.subresource : "", scope };
  }
}
