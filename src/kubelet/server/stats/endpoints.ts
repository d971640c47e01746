/** /stats/summary, /metrics/resource and /metrics/cadvisor: one reading of the node, in three forms. */
import os from "node:os";
import type { ServerResponse } from "node:http";
import { sendJson, type Endpoint } from "../endpoint.ts";
import { metricsContentType, renderFamilies, type Family } from "../metrics/text.ts";
import { cadvisorFamilies } from "./cadvisor_metrics.ts";
import type { StatsCollector } from "./collector.ts";
import { resourceFamilies } from "./resource_metrics.ts";
import { summaryOf } from "./summary.ts";

export interface StatsEndpointsOptions {
  readonly stats: Pick<StatsCollector, "read">;
  readonly version: string;
  readonly osImage: string;
  readonly onError: (attempted: string, error: unknown) => void;
}

export function statsEndpoints({ stats, version, osImage, onError }: StatsEndpointsOptions): readonly Endpoint[] {
  const versions = {
    cadvisorRevision: "",
    cadvisorVersion: version,
    dockerVersion: "",
    kernelVersion: os.release(),
    osVersion: osImage,
  };
  return [
    {
      path: "/stats/summary",
      methods: ["GET", "POST"],
      isReadOnly: true,
      async answer({ query }, response) {
        const isShort = query.get("only_cpu_and_memory") === "true";
        sendJson(response, summaryOf(await stats.read(!isShort), isShort));
      },
    },
    {
      path: "/metrics/resource",
      isReadOnly: true,
      async answer(_asked, response) {
        const node = await stats.read().catch((error: unknown) => {
          onError("read what pods use", error);
          return undefined;
        });
        sendFamilies(response, resourceFamilies(node));
      },
    },
    {
      path: "/metrics/cadvisor",
      isReadOnly: true,
      answer: async (_asked, response) => sendFamilies(response, cadvisorFamilies(await stats.read(), versions)),
    },
  ];
}

export function sendFamilies(response: ServerResponse, families: readonly Family[]): void {
  const text = renderFamilies(families);
  response.writeHead(200, { "Content-Type": metricsContentType, "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}
