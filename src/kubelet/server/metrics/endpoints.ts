/** /metrics and /metrics/probes. */
import type { Registry } from "prom-client";
import type { Endpoint } from "../endpoint.ts";
import { sendFamilies } from "../stats/endpoints.ts";
import type { PodFiles } from "../stats/snapshot.ts";
import { fileFamilies } from "./file_metrics.ts";
import { renderFamilies } from "./text.ts";
import type { KubeletMetrics } from "./kubelet_metrics.ts";

export interface MetricsSources {
  readonly metrics: KubeletMetrics;
  /** Of parts that count for themselves. */
  readonly registries: readonly Registry[];
  /** Logs and volumes, as they are now. */
  readonly files: () => Promise<readonly PodFiles[]>;
  readonly onError: (attempted: string, error: unknown) => void;
}

export function metricsEndpoints({ metrics, registries, files, onError }: MetricsSources): readonly Endpoint[] {
  return [
    {
      path: "/metrics",
      isReadOnly: true,
      async answer(_asked, response) {
        const found = await files().catch((error: unknown) => {
          onError("look how large logs and volumes are", error);
          return [];
        });
        const own = await Promise.all([metrics.registry, ...registries].map((registry) => registry.metrics()));
        const texts = [...own, renderFamilies(fileFamilies(found))].filter((text) => text !== "");
        response.setHeader("Content-Type", metrics.registry.contentType);
        response.end(texts.map((text) => (text.endsWith("\n") ? text : `${text}\n`)).join(""));
      },
    },
    {
      path: "/metrics/probes",
      isReadOnly: true,
      answer: (_asked, response) => sendFamilies(response, metrics.probes.families()),
    },
  ];
}

/** Paths that are counted under their own name: others are "other". */
const buckets: ReadonlySet<string> = new Set([
  "healthz",
  "pods",
  "stats",
  "metrics",
  "metrics/cadvisor",
  "metrics/probes",
  "metrics/resource",
  "run",
  "exec",
  "attach",
  "portForward",
  "containerLogs",
  "configz",
  "runningpods",
  "logs",
  "debug",
]);
const methods: ReadonlySet<string> = new Set(["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT"]);
/** As upstream has it, where portForward is never found by this name. */
const long: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "debug"]);

export function requestLabels(method: string, path: string, isReadOnly: boolean) {
  const [first = "", second] = path.replace(/^\//, "").split("/");
  const root = first === "metrics" && second !== undefined ? `${first}/${second}` : first;
  const bucket = buckets.has(root) ? root : "other";
  return {
    method: methods.has(method) ? method : "other",
    path: bucket,
    server_type: isReadOnly ? "readonly" : "readwrite",
    long_running: String(long.has(bucket)),
  };
}
