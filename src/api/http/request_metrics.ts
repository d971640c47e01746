/** What client-go tells of its requests (component-base/metrics/prometheus/restclient): the proxy and the kubelet both do. */
import type { Registry } from "prom-client";
import { MetricSet, type MetricDefinition } from "../../http/metric_set.ts";
import { HttpClient, type HttpClientOptions } from "./http_client.ts";
import type { SentRequest } from "./transport.ts";

const requestBuckets: readonly number[] = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

export const requestDefinitions = {
  requests: {
    type: "counter",
    name: "rest_client_requests_total",
    help: "Number of HTTP requests, partitioned by status code, method, and host.",
    labels: ["code", "method", "host"],
  },
  requestDuration: {
    type: "histogram",
    name: "rest_client_request_duration_seconds",
    help: "Request latency in seconds. Broken down by verb, and host.",
    labels: ["verb", "host"],
    buckets: requestBuckets,
  },
} as const satisfies Record<string, MetricDefinition>;

export class RequestMetrics {
  readonly #metrics: MetricSet<keyof typeof requestDefinitions>;

  constructor(registry: Registry) {
    this.#metrics = new MetricSet(registry, requestDefinitions);
  }

  /** @param host whom it was sent to: "10.0.0.1:6443" */
  sent(host: string, { method, code, seconds }: SentRequest): void {
    this.#metrics.count("requests", { code: code === undefined ? "<error>" : String(code), method, host });
    this.#metrics.observe("requestDuration", seconds, { verb: method, host });
  }
}

/** One whose every request is counted. @throws FairleadError KUBECONFIG */
export function countedClient(options: Omit<HttpClientOptions, "onSent">, requests: RequestMetrics): HttpClient {
  const client: HttpClient = new HttpClient({ ...options, onSent: (sent) => requests.sent(host, sent) });
  const { host } = new URL(client.server);
  return client;
}
