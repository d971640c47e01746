/** /metrics: what the kubelet tells of itself, by upstream's names (the definitions beside this file). */
import { Registry } from "prom-client";
import { MetricSet, type MetricLabels } from "../../../http/metric_set.ts";
import { registerProcessMetrics } from "../../../http/process_metrics.ts";
import type { NodeMetrics, StartupTimes } from "../../node/metrics.ts";
import type { ContainerKind } from "../../pods/containers.ts";
import type { EnsuredImage, PodMetrics, PodOperation, PodStartTimes, ProbedContainer } from "../../pods/metrics.ts";
import type { PodIndex } from "../pod_index.ts";
import { containerTypes, imageSize, knownFlag, rejectionReason } from "./labels.ts";
import { nodeDefinitions } from "./node_definitions.ts";
import { podDefinitions } from "./pod_definitions.ts";
import { ProbeMetrics } from "./probe_metrics.ts";
import { readMetrics } from "./read_metrics.ts";

const startupGauges = {
  preKubelet: "startupPreKubelet",
  preRegistration: "startupPreRegistration",
  registration: "startupRegistration",
  postRegistration: "startupPostRegistration",
  total: "startup",
} as const satisfies Record<keyof StartupTimes, keyof typeof nodeDefinitions>;

export class KubeletMetrics implements PodMetrics, NodeMetrics {
  readonly registry = new Registry();
  readonly probes = new ProbeMetrics();
  readonly #pods = new MetricSet(this.registry, podDefinitions);
  readonly #node = new MetricSet(this.registry, nodeDefinitions);
  #hasNetworkPod = false;

  constructor(nodeName: string) {
    registerProcessMetrics(this.registry);
    this.#node.set("nodeName", 1, { node: nodeName });
  }

  /** What is counted when somebody asks. */
  follow(pods: PodIndex, hasApi = true): void {
    readMetrics(this.registry, pods, hasApi);
  }

  operation(type: string, seconds: number, isError: boolean): void {
    const labels = { operation_type: type };
    this.#pods.count("operations", labels);
    this.#pods.observe("operationSeconds", seconds, labels);
    if (isError) this.#pods.count("operationErrors", labels);
  }

  sandboxRun(handler: string, seconds: number, isError: boolean): void {
    const labels = { runtime_handler: handler };
    this.#pods.count("startedPods");
    this.#pods.observe("sandboxSeconds", seconds, labels);
    if (!isError) return;
    this.#pods.count("startedPodErrors");
    this.#pods.count("sandboxErrors", labels);
  }

  /** @returns how to tell that it is over */
  request(labels: MetricLabels): () => void {
    const beganMs = performance.now();
    this.#node.count("requests", labels);
    this.#node.add("requestsInFlight", 1, labels);
    return () => {
      this.#node.add("requestsInFlight", -1, labels);
      this.#node.observe("requestSeconds", (performance.now() - beganMs) / 1000, labels);
    };
  }

  worked(operation: PodOperation, seconds: number): void {
    this.#pods.observe("worked", seconds, { operation_type: operation });
  }

  begun(seconds: number, containers: number): void {
    this.#pods.observe("workerStart", seconds);
    this.#pods.observe("containersPerPod", containers);
  }

  started(seconds: number): void {
    this.#pods.observe("podStart", seconds);
  }

  shownStarted({ totalSeconds, sliSeconds, isHostNetwork }: PodStartTimes): void {
    this.#pods.observe("podStartTotal", totalSeconds);
    if (sliSeconds === undefined) return;
    this.#pods.observe("podStartSli", sliSeconds);
    if (isHostNetwork || this.#hasNetworkPod) return;
    this.#hasNetworkPod = true;
    this.#pods.set("firstPodStart", sliSeconds);
  }

  statusWritten(seconds: number): void {
    this.#pods.observe("statusSync", seconds);
  }

  relisted(seconds: number, intervalSeconds: number | undefined): void {
    this.#pods.observe("relistSeconds", seconds);
    if (intervalSeconds !== undefined) this.#pods.observe("relistInterval", intervalSeconds);
  }

  probed(about: ProbedContainer, result: "successful" | "failed" | "unknown", seconds: number): void {
    this.probes.probed(about, result, seconds);
  }

  forgotten(uid: string): void {
    this.probes.forgotten(uid);
  }

  containerStarted(kind: ContainerKind): void {
    this.#pods.count("startedContainers", { container_type: containerTypes[kind] });
  }

  containerFailed(kind: ContainerKind, reason: string): void {
    this.#pods.count("startedContainerErrors", { container_type: containerTypes[kind], code: reason });
  }

  imageEnsured({ policy, isPresent, isPulled }: EnsuredImage): void {
    const labels = { present_locally: knownFlag(isPresent), pull_required: knownFlag(isPulled) };
    this.#pods.count("ensuredImages", { pull_policy: policy.toLowerCase(), ...labels });
  }

  pulled(bytes: number, seconds: number): void {
    this.#pods.observe("pullSeconds", seconds, { image_size_in_bytes: imageSize(bytes) });
  }

  volumeMounted(plugin: string, seconds: number, isMounted: boolean): void {
    const status = isMounted ? "success" : "fail-unknown";
    const labels = { volume_plugin: plugin, operation_name: "volume_mount", status, migrated: "false" };
    this.#pods.observe("storageSeconds", seconds, labels);
  }

  sleepCut(): void {
    this.#pods.count("sleepsCut");
  }

  hookFellBack(): void {
    this.#pods.count("hookFallbacks");
  }

  rejected(reason: string): void {
    this.#pods.count("rejections", { reason: rejectionReason(reason) });
  }

  orphanFound(): void {
    this.#pods.count("orphans");
  }

  restarted(isStatic: boolean): void {
    this.#pods.count("restarted", { static: isStatic ? "true" : "" });
  }

  eventDiscarded(): void {
    this.#pods.count("eventsDiscarded");
  }

  volumesSwept(removed: number, failed: number): void {
    this.#pods.set("orphanVolumes", removed);
    this.#pods.set("orphanVolumeErrors", failed);
  }

  startup(times: StartupTimes): void {
    for (const [name, seconds] of Object.entries(times) as [keyof StartupTimes, number | undefined][]) {
      if (seconds !== undefined) this.#node.set(startupGauges[name], seconds);
    }
  }

  shutDown(startSeconds: number, endSeconds: number): void {
    this.#node.set("shutdownStart", startSeconds);
    this.#node.set("shutdownEnd", endSeconds);
  }

  cgroups(version: number): void {
    this.#node.set("cgroupVersion", version);
  }

  cgroupChanged(operation: "create" | "update" | "destroy", seconds: number): void {
    this.#node.observe("cgroupSeconds", seconds, { operation_type: operation });
  }

  evicted(signal: string): void {
    this.#node.count("evictions", { eviction_signal: signal });
  }

  evictionStatsAged(signal: string, seconds: number): void {
    this.#node.observe("evictionStatsAge", seconds, { eviction_signal: signal });
  }

  preempted(resource: string): void {
    this.#node.count("preemptions", { preemption_signal: resource });
  }

  imageCollected(reason: "age" | "space"): void {
    this.#node.count("imagesCollected", { reason });
  }

  eventsConnected(): void {
    this.#node.count("eventConnections");
  }

  eventsFailed(): void {
    this.#node.count("eventConnectionErrors");
  }

  eventHeard(latencySeconds: number): void {
    this.#node.observe("eventLatency", latencySeconds);
  }

  volumeMeasured(source: "du" | "statfs", seconds: number): void {
    this.#node.observe("volumeStatsSeconds", seconds, { metric_source: source });
  }
}
