/**
 * kube-proxy's metrics: names, labels and buckets (upstream: pkg/proxy/metrics/metrics.go of 1.33 and later, where they
 * got the label ip_family). All of them are ALPHA there.
 */
import type { MetricDefinition } from "../../http/metric_set.ts";

interface Definition extends MetricDefinition {
  /** Modes that have it; default: all. */
  readonly modes?: readonly string[];
}

/** 1 ms to 16 s. */
const syncBuckets: readonly number[] = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
/** 0.25 s to 5 min, of the service level objective for network programming (sig-scalability). */
const programmingBuckets: readonly number[] = [
  ...linear(0.25, 0.25, 2),
  ...linear(1, 1, 59),
  ...linear(60, 5, 12),
  ...linear(120, 30, 7),
];

function linear(start: number, width: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => start + i * width);
}

const family = ["ip_family"] as const;
const viaIptables = ["iptables", "ipvs"];

export const definitions = {
  syncDuration: {
    type: "histogram",
    name: "kubeproxy_sync_proxy_rules_duration_seconds",
    help: "SyncProxyRules latency in seconds",
    labels: family,
    buckets: syncBuckets,
  },
  fullSyncDuration: {
    type: "histogram",
    name: "kubeproxy_sync_full_proxy_rules_duration_seconds",
    help: "SyncProxyRules latency in seconds for full resyncs",
    labels: family,
    buckets: syncBuckets,
    modes: ["iptables", "nftables"],
  },
  partialSyncDuration: {
    type: "histogram",
    name: "kubeproxy_sync_partial_proxy_rules_duration_seconds",
    help: "SyncProxyRules latency in seconds for partial resyncs",
    labels: family,
    buckets: syncBuckets,
    modes: ["iptables", "nftables"],
  },
  lastSync: {
    type: "gauge",
    name: "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    help: "The last time proxy rules were successfully synced",
    labels: family,
  },
  lastQueued: {
    type: "gauge",
    name: "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    help: "The last time a sync of proxy rules was queued",
    labels: family,
  },
  networkProgramming: {
    type: "histogram",
    name: "kubeproxy_network_programming_duration_seconds",
    help: "In Cluster Network Programming Latency in seconds",
    labels: family,
    buckets: programmingBuckets,
  },
  endpointChangesPending: {
    type: "gauge",
    name: "kubeproxy_sync_proxy_rules_endpoint_changes_pending",
    help: "Pending proxy rules Endpoint changes",
  },
  endpointChanges: {
    type: "counter",
    name: "kubeproxy_sync_proxy_rules_endpoint_changes_total",
    help: "Cumulative proxy rules Endpoint changes",
  },
  serviceChangesPending: {
    type: "gauge",
    name: "kubeproxy_sync_proxy_rules_service_changes_pending",
    help: "Pending proxy rules Service changes",
  },
  serviceChanges: {
    type: "counter",
    name: "kubeproxy_sync_proxy_rules_service_changes_total",
    help: "Cumulative proxy rules Service changes",
  },
  noLocalEndpoints: {
    type: "gauge",
    name: "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    help: "Number of services with a Local traffic policy and no endpoints",
    labels: ["ip_family", "traffic_policy"],
  },
  nftablesSyncFailures: {
    type: "counter",
    name: "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
    help: "Cumulative proxy nftables sync failures",
    labels: family,
    modes: ["nftables"],
  },
  // Always 0: upstream removes stale chains apart; here what goes is in the sync's transaction, whose failures stand above.
  nftablesCleanupFailures: {
    type: "counter",
    name: "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total",
    help: "Cumulative proxy nftables cleanup failures",
    labels: family,
    modes: ["nftables"],
  },
  iptablesRestoreFailures: {
    type: "counter",
    name: "kubeproxy_sync_proxy_rules_iptables_restore_failures_total",
    help: "Cumulative proxy iptables restore failures",
    labels: family,
    modes: viaIptables,
  },
  iptablesPartialRestoreFailures: {
    type: "counter",
    name: "kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total",
    help: "Cumulative proxy iptables partial restore failures",
    labels: family,
    modes: ["iptables"],
  },
  iptablesRules: {
    type: "gauge",
    name: "kubeproxy_sync_proxy_rules_iptables_total",
    help: "Total number of iptables rules owned by kube-proxy",
    labels: ["ip_family", "table"],
    modes: ["iptables"],
  },
  iptablesLastRules: {
    type: "gauge",
    name: "kubeproxy_sync_proxy_rules_iptables_last",
    help: "Number of iptables rules written by kube-proxy in last sync",
    labels: ["ip_family", "table"],
    modes: ["iptables"],
  },
  conntrackDuration: {
    type: "histogram",
    name: "kubeproxy_conntrack_reconciler_sync_duration_seconds",
    help: "ReconcileConntrackFlowsLatency latency in seconds",
    labels: family,
    buckets: syncBuckets,
  },
  conntrackDeleted: {
    type: "counter",
    name: "kubeproxy_conntrack_reconciler_deleted_entries_total",
    help: "Cumulative conntrack flows deleted by conntrack reconciler",
    labels: family,
  },
  healthz: {
    type: "counter",
    name: "kubeproxy_proxy_healthz_total",
    help: "Cumulative proxy healthz HTTP status",
    labels: ["code"],
  },
  livez: {
    type: "counter",
    name: "kubeproxy_proxy_livez_total",
    help: "Cumulative proxy livez HTTP status",
    labels: ["code"],
  },
} as const satisfies Record<string, Definition>;

export type MetricName = keyof typeof definitions;

export function definitionsOf(mode: string): Readonly<Partial<Record<MetricName, MetricDefinition>>> {
  const all: readonly (readonly [string, Definition])[] = Object.entries(definitions);
  return Object.fromEntries(all.filter(([, { modes }]) => modes?.includes(mode) ?? true));
}
