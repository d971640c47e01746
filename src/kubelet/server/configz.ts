/** The configuration that is in force, as /configz shows it: in the file's own form, with the defaults filled in. */
import { formatDuration } from "../../config/duration.ts";
import type { KubeletConfiguration } from "../../config/kubelet.ts";

/** Fields that were read to ms. */
const durations: ReadonlySet<string> = new Set([
  "cacheTTL",
  "cacheAuthorizedTTL",
  "cacheUnauthorizedTTL",
  "streamingConnectionIdleTimeout",
  "nodeStatusUpdateFrequency",
  "nodeStatusReportFrequency",
  "shutdownGracePeriod",
  "shutdownGracePeriodCriticalPods",
  "runtimeRequestTimeout",
  "imageMinimumGCAge",
  "imageMaximumGCAge",
  "containerLogMonitorInterval",
  "cpuManagerReconcilePeriod",
  "draManagerReconcilePeriod",
  "cpuCFSQuotaPeriod",
  "syncFrequency",
  "fileCheckFrequency",
  "httpCheckFrequency",
  "podHousekeepingPeriod",
  "volumeStatsAggPeriod",
  "maxContainerRestartPeriod",
  "evictionPressureTransitionPeriod",
]);

/** What a URL's header may hold is nobody's to see (staticPodURLHeader), as upstream. */
export function configz(config: KubeletConfiguration): object {
  const { apiVersion: _apiVersion, kind: _kind, ...fields } = config;
  const headers = Object.keys(fields.staticPodURLHeader).map((name) => [name, ["<masked>"]]);
  return { kubeletconfig: written("", { ...fields, staticPodURLHeader: Object.fromEntries(headers) as object }) };
}

function written(name: string, value: unknown): unknown {
  if (typeof value === "number" && durations.has(name)) return formatDuration(value);
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  const isGrace = name === "evictionSoftGracePeriod";
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [
      field,
      isGrace && typeof inner === "number" ? formatDuration(inner) : written(field, inner),
    ]),
  );
}
