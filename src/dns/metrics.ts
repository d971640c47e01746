/** Metrics by CoreDNS's names and labels (its plugins metrics, cache, forward, kubernetes). */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { hostPort } from "../model/address.ts";
import { registerProcessMetrics } from "../http/process_metrics.ts";
import type { UpstreamAddress } from "./forward/decode.ts";
import type { ForwardObserver } from "./forward/observer.ts";
import type { CacheKind } from "./forward/cache.ts";
import type { Served } from "./handler.ts";
import { rcodeName, typeName } from "./wire/numbers.ts";

/** As CoreDNS's: 0.25 ms to 8 s, doubled. */
const seconds = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i);
const bytes = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3];
/** 1 ms to 17 min, doubled. */
const programming = Array.from({ length: 20 }, (_, i) => 0.001 * 2 ** i);

export interface DnsGauges {
  readonly cached: (kind: CacheKind) => number;
  readonly version: string;
}

export class DnsMetrics implements ForwardObserver {
  readonly registry = new Registry();
  /** "dns://:53", as CoreDNS names a server. */
  readonly #server: string;
  readonly #requests = this.#counter("dns_requests_total", "DNS requests", ["zone", "view", "proto", "family", "type"]);
  readonly #do = this.#counter("dns_do_requests_total", "DNS requests with DO bit set", ["view", "zone"]);
  readonly #responses = this.#counter("dns_responses_total", "DNS responses", ["zone", "view", "rcode", "plugin"]);
  readonly #durations = this.#histogram(
    "dns_request_duration_seconds",
    "Time each request took",
    ["zone", "view"],
    seconds,
  );
  readonly #requestSizes = this.#histogram(
    "dns_request_size_bytes",
    "Size of requests",
    ["zone", "view", "proto"],
    bytes,
  );
  readonly #responseSizes = this.#histogram(
    "dns_response_size_bytes",
    "Size of responses",
    ["zone", "view", "proto"],
    bytes,
  );
  readonly #cacheRequests = this.#counter("cache_requests_total", "Questions to the cache", ["zones", "view"]);
  readonly #cacheHits = this.#counter("cache_hits_total", "Cache hits", ["type", "zones", "view"]);
  readonly #cacheMisses = this.#counter("cache_misses_total", "Cache misses", ["zones", "view"]);
  readonly #forwards = this.#counter("forward_requests_total", "Requests to an upstream", ["to"], false);
  readonly #forwardResponses = this.#counter(
    "forward_responses_total",
    "Answers of an upstream",
    ["to", "rcode"],
    false,
  );
  readonly #forwardFails = this.#counter(
    "forward_healthcheck_failures_total",
    "Failures of an upstream",
    ["to"],
    false,
  );
  readonly #rejects = this.#counter("forward_max_concurrent_rejects_total", "Refused: too many at once", [], false);
  readonly #forwardDurations = this.#histogram(
    "forward_request_duration_seconds",
    "Time an upstream took",
    ["to", "rcode"],
    seconds,
    false,
  );
  readonly #programming = this.#histogram(
    "kubernetes_dns_programming_duration_seconds",
    "From a change of endpoints to answers that show it",
    ["service_kind"],
    programming,
    false,
  );
  readonly #now: () => number;

  /** @param now wall time, in ms */
  constructor(server: string, now: () => number) {
    this.#server = server;
    this.#now = now;
    registerProcessMetrics(this.registry);
  }

  /** @param tick the handler's clock, in ms */
  served({ query, resolved, rcode, transport: proto, ...sizes }: Served, tick: number): void {
    const server = this.#server;
    const zone = resolved?.zone ?? ".";
    const view = "";
    const type = query ? typeName(query.type) : "other";
    this.#requests.inc({ server, zone, view, proto, family: this.#family, type });
    if (query?.edns?.wantsDnssec) this.#do.inc({ server, view, zone });
    this.#responses.inc({ server, zone, view, rcode: rcodeName(rcode), plugin: resolved?.plugin ?? "" });
    this.#durations.observe({ server, zone, view }, (tick - sizes.startMs) / 1000);
    this.#requestSizes.observe({ server, zone, view, proto }, sizes.requestBytes);
    this.#responseSizes.observe({ server, zone, view, proto }, sizes.responseBytes);
  }

  get #family(): string {
    return this.#server.includes("[") ? "2" : "1";
  }

  cached(kind: CacheKind | undefined): void {
    const labels = { server: this.#server, zones: ".", view: "" };
    this.#cacheRequests.inc(labels);
    if (kind === undefined) this.#cacheMisses.inc(labels);
    else this.#cacheHits.inc({ ...labels, type: kind });
  }

  answered(upstream: UpstreamAddress, code: number, took: number): void {
    const [to, rcode] = [textOf(upstream), rcodeName(code)];
    this.#forwards.inc({ to });
    this.#forwardResponses.inc({ to, rcode });
    this.#forwardDurations.observe({ to, rcode }, took);
  }

  failed(upstream: UpstreamAddress): void {
    this.#forwards.inc({ to: textOf(upstream) });
    this.#forwardFails.inc({ to: textOf(upstream) });
  }

  rejected(): void {
    this.#rejects.inc();
  }

  /** @param triggered when a change of endpoints was caused, RFC 3339 */
  programmed(triggered: string, isHeadless: boolean): void {
    const ms = this.#now() - Date.parse(triggered);
    const kind = isHeadless ? "headless_with_selector" : "cluster_ip";
    if (ms >= 0) this.#programming.observe({ service_kind: kind }, ms / 1000);
  }

  /** What is read when it is asked for. */
  follow({ cached, version }: DnsGauges): void {
    const server = this.#server;
    const labels = { server, zones: ".", view: "" };
    new Gauge({
      name: "coredns_cache_entries",
      help: "Answers in the cache",
      labelNames: ["server", "type", "zones", "view"],
      registers: [this.registry],
      collect() {
        for (const type of ["success", "denial"] as const) this.set({ ...labels, type }, cached(type));
      },
    });
    const build = new Gauge({
      name: "coredns_build_info",
      help: "What answers",
      labelNames: ["version", "revision", "goversion"],
      registers: [this.registry],
    });
    build.set({ version: `fairlead-${version}`, revision: "", goversion: "" }, 1);
  }

  #counter(name: string, help: string, labels: readonly string[], ofServer = true): Counter {
    const labelNames = [...(ofServer ? ["server"] : []), ...labels];
    return new Counter({ name: `coredns_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, labels: readonly string[], buckets: number[], ofServer = true): Histogram {
    const labelNames = [...(ofServer ? ["server"] : []), ...labels];
    return new Histogram({ name: `coredns_${name}`, help, labelNames, buckets, registers: [this.registry] });
  }
}

function textOf({ host, port }: UpstreamAddress): string {
  return hostPort(host, port);
}
