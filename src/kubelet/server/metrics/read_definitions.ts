/** Metrics that are counted when somebody asks: of pods as they are then. */
import type { MetricDefinition } from "../../../http/metric_set.ts";

export const readDefinitions = {
  runningPods: {
    type: "gauge",
    name: "kubelet_running_pods",
    help: "Number of pods that have a running pod sandbox",
  },
  runningContainers: {
    type: "gauge",
    name: "kubelet_running_containers",
    help: "Number of containers currently running",
    labels: ["container_state"],
  },
  ephemeralContainers: {
    type: "gauge",
    name: "kubelet_managed_ephemeral_containers",
    help: "Current number of ephemeral containers in pods managed by this kubelet.",
  },
  desiredPods: {
    type: "gauge",
    name: "kubelet_desired_pods",
    help: "The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.",
    labels: ["static"],
  },
  activePods: {
    type: "gauge",
    name: "kubelet_active_pods",
    help: "The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.",
    labels: ["static"],
  },
  mirrorPods: {
    type: "gauge",
    name: "kubelet_mirror_pods",
    help: "The number of mirror pods the kubelet will try to create (one per admitted static pod)",
  },
  workingPods: {
    type: "gauge",
    name: "kubelet_working_pods",
    help: "Number of pods the kubelet is actually running, broken down by lifecycle phase, whether the pod is desired, orphaned, or runtime only (also orphaned), and whether the pod is static. An orphaned pod has been removed from local configuration or force deleted in the API and consumes resources that are not otherwise visible.",
    labels: ["lifecycle", "config", "static"],
  },
  volumes: {
    type: "gauge",
    name: "volume_manager_total_volumes",
    help: "Number of volumes in Volume Manager",
    labels: ["plugin_name", "state"],
  },
} as const satisfies Record<string, MetricDefinition>;
