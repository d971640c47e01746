/** Metrics of the node and of its kubelet's server (pkg/kubelet/metrics, pkg/kubelet/server/metrics). */
import type { MetricDefinition } from "../../../http/metric_set.ts";
import { defaultBuckets } from "./buckets.ts";

const requestLabels = ["method", "path", "server_type", "long_running"] as const;

export const nodeDefinitions = {
  nodeName: {
    type: "gauge",
    name: "kubelet_node_name",
    help: "The node's name. The count is always 1.",
    labels: ["node"],
  },
  startupPreKubelet: {
    type: "gauge",
    name: "kubelet_node_startup_pre_kubelet_duration_seconds",
    help: "Duration in seconds of node startup before kubelet starts.",
  },
  startupPreRegistration: {
    type: "gauge",
    name: "kubelet_node_startup_pre_registration_duration_seconds",
    help: "Duration in seconds of node startup before registration.",
  },
  startupRegistration: {
    type: "gauge",
    name: "kubelet_node_startup_registration_duration_seconds",
    help: "Duration in seconds of node startup during registration.",
  },
  startupPostRegistration: {
    type: "gauge",
    name: "kubelet_node_startup_post_registration_duration_seconds",
    help: "Duration in seconds of node startup after registration.",
  },
  startup: {
    type: "gauge",
    name: "kubelet_node_startup_duration_seconds",
    help: "Duration in seconds of node startup in total.",
  },
  shutdownStart: {
    type: "gauge",
    name: "kubelet_graceful_shutdown_start_time_seconds",
    help: "Last graceful shutdown start time since unix epoch in seconds",
  },
  shutdownEnd: {
    type: "gauge",
    name: "kubelet_graceful_shutdown_end_time_seconds",
    help: "Last graceful shutdown end time since unix epoch in seconds",
  },
  cgroupVersion: { type: "gauge", name: "kubelet_cgroup_version", help: "cgroup version on the hosts." },
  cgroupSeconds: {
    type: "histogram",
    name: "kubelet_cgroup_manager_duration_seconds",
    help: "Duration in seconds for cgroup manager operations. Broken down by method.",
    labels: ["operation_type"],
    buckets: defaultBuckets,
  },
  evictions: {
    type: "counter",
    name: "kubelet_evictions",
    help: "Cumulative number of pod evictions by eviction signal",
    labels: ["eviction_signal"],
  },
  evictionStatsAge: {
    type: "histogram",
    name: "kubelet_eviction_stats_age_seconds",
    help: "Time between when stats are collected, and when pod is evicted based on those stats by eviction signal",
    labels: ["eviction_signal"],
    buckets: defaultBuckets,
  },
  preemptions: {
    type: "counter",
    name: "kubelet_preemptions",
    help: "Cumulative number of pod preemptions by preemption resource",
    labels: ["preemption_signal"],
  },
  imagesCollected: {
    type: "counter",
    name: "kubelet_image_garbage_collected_total",
    help: "Total number of images garbage collected by the kubelet, whether through disk usage or image age.",
    labels: ["reason"],
  },
  eventConnections: {
    type: "counter",
    name: "kubelet_evented_pleg_connection_success_count",
    help: "The number of times a streaming client was obtained to receive CRI Events.",
  },
  eventConnectionErrors: {
    type: "counter",
    name: "kubelet_evented_pleg_connection_error_count",
    help: "The number of errors encountered during the establishment of streaming connection with the CRI runtime.",
  },
  eventLatency: {
    type: "histogram",
    name: "kubelet_evented_pleg_connection_latency_seconds",
    help: "The latency of streaming connection with the CRI runtime, measured in seconds.",
    buckets: defaultBuckets,
  },
  requests: {
    type: "counter",
    name: "kubelet_http_requests_total",
    help: "Number of the http requests received since the server started",
    labels: requestLabels,
  },
  requestSeconds: {
    type: "histogram",
    name: "kubelet_http_requests_duration_seconds",
    help: "Duration in seconds to serve http requests",
    labels: requestLabels,
    buckets: defaultBuckets,
  },
  requestsInFlight: {
    type: "gauge",
    name: "kubelet_http_inflight_requests",
    help: "Number of the inflight http requests",
    labels: requestLabels,
  },
  volumeStatsSeconds: {
    type: "histogram",
    name: "kubelet_volume_metric_collection_duration_seconds",
    help: "Duration in seconds to calculate volume stats",
    labels: ["metric_source"],
    buckets: defaultBuckets,
  },
} as const satisfies Record<string, MetricDefinition>;
