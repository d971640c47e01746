/** What metrics need to know of Services and EndpointSlices. */
import type { EndpointSlice } from "../../model/kubernetes.ts";
import type { WantedPort } from "../derive/derive.ts";

/** The endpoints controller says here when what the slice tells began (pkg/proxy/endpointschangetracker.go). */
const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

/** @returns ms since 1970, or undefined where the slice does not say */
export function triggerTime({ metadata }: Pick<EndpointSlice, "metadata">): number | undefined {
  const ms = Date.parse(metadata.annotations?.[triggerTimeAnnotation] ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}

export type TrafficPolicy = "internal" | "external";

/** Policies Local of a service port that has endpoints, but none on this node. */
export function withoutLocalEndpoints(wanted: WantedPort | undefined): ReadonlySet<TrafficPolicy> {
  const found = new Set<TrafficPolicy>();
  for (const { kind, target } of wanted?.frontends ?? []) {
    if (kind === "clusterIP" && target.action === "drop") found.add("internal");
    if (target.action === "balance local" && target.local.length === 0) found.add("external");
  }
  return found;
}
