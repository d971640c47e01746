/** /metrics: what the kubelet tells of itself, by upstream's names (pkg/kubelet/metrics, pkg/kubelet/server/metrics). */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { registerProcessMetrics } from "../../../http/process_metrics.ts";
import { allContainers } from "../../pods/containers.ts";
import type { PodMetrics, PodOperation, ProbedContainer } from "../../pods/metrics.ts";
import type { PodIndex, PodView } from "../pod_index.ts";
import { ProbeMetrics } from "./probe_metrics.ts";

/** Prometheus's default, in s. */
const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const startBuckets = [
  0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600,
];
/** 5 ms, each 2.5 times the one before (metrics.ExponentialBuckets(.005, 2.5, 14)). */
const operationBuckets = Array.from({ length: 14 }, (_, at) => 0.005 * 2.5 ** at);

const requestLabels = ["method", "path", "server_type", "long_running"] as const;
type RequestLabels = Record<(typeof requestLabels)[number], string>;

export class KubeletMetrics implements PodMetrics {
  readonly registry = new Registry();
  readonly probes = new ProbeMetrics();
  readonly #registers = [this.registry];
  readonly #operations = this.#counter(
    "kubelet_runtime_operations_total",
    "Cumulative number of runtime operations by operation type.",
    ["operation_type"],
  );
  readonly #operationSeconds = this.#histogram(
    "kubelet_runtime_operations_duration_seconds",
    "Duration in seconds of runtime operations. Broken down by operation type.",
    operationBuckets,
    ["operation_type"],
  );
  readonly #operationErrors = this.#counter(
    "kubelet_runtime_operations_errors_total",
    "Cumulative number of runtime operation errors by operation type.",
    ["operation_type"],
  );
  readonly #sandboxSeconds = this.#histogram(
    "kubelet_run_podsandbox_duration_seconds",
    "Duration in seconds of the run_podsandbox operations. Broken down by RuntimeClass.Handler.",
    operationBuckets,
    ["runtime_handler"],
  );
  readonly #sandboxErrors = this.#counter(
    "kubelet_run_podsandbox_errors_total",
    "Cumulative number of the run_podsandbox operation errors by RuntimeClass.Handler.",
    ["runtime_handler"],
  );
  readonly #startedPods = this.#counter("kubelet_started_pods_total", "Cumulative number of pods started");
  readonly #startedPodErrors = this.#counter(
    "kubelet_started_pods_errors_total",
    "Cumulative number of errors when starting pods",
  );
  readonly #startedContainers = this.#counter(
    "kubelet_started_containers_total",
    "Cumulative number of containers started",
    ["container_type"],
  );
  readonly #startedContainerErrors = this.#counter(
    "kubelet_started_containers_errors_total",
    "Cumulative number of errors when starting containers",
    ["container_type", "code"],
  );
  readonly #worked = this.#histogram(
    "kubelet_pod_worker_duration_seconds",
    "Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync",
    defaultBuckets,
    ["operation_type"],
  );
  readonly #podStart = this.#histogram(
    "kubelet_pod_start_duration_seconds",
    "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
    startBuckets,
  );
  readonly #requests = this.#counter(
    "kubelet_http_requests_total",
    "Number of the http requests received since the server started",
    requestLabels,
  );
  readonly #requestSeconds = this.#histogram(
    "kubelet_http_requests_duration_seconds",
    "Duration in seconds to serve http requests",
    defaultBuckets,
    requestLabels,
  );
  readonly #inFlight = this.#gauge(
    "kubelet_http_inflight_requests",
    "Number of the inflight http requests",
    requestLabels,
  );

  constructor(nodeName: string) {
    registerProcessMetrics(this.registry);
    this.#gauge("kubelet_node_name", "The node's name. The count is always 1.", ["node"]).set({ node: nodeName }, 1);
  }

  /** What is counted when somebody asks. */
  follow(pods: PodIndex): void {
    const all = (): readonly PodView[] => pods.all();
    const containers = (of: string): number =>
      all()
        .flatMap(({ observed }) => observed.containers)
        .filter(({ state }) => state === of).length;
    this.#read(
      "kubelet_running_pods",
      "Number of pods that have a running pod sandbox",
      () => all().filter(({ observed }) => observed.sandboxes.some(({ isReady }) => isReady)).length,
    );
    this.#read(
      "kubelet_managed_ephemeral_containers",
      "Current number of ephemeral containers in pods managed by this kubelet.",
      () =>
        all()
          .flatMap(({ current }) => allContainers(current))
          .filter(({ kind }) => kind === "ephemeral").length,
    );
    const running = this.#gauge(
      "kubelet_running_containers",
      "Number of containers currently running",
      ["container_state"],
      () => {
        running.reset();
        for (const state of ["created", "exited", "running", "unknown"]) {
          const count = containers(state);
          if (count > 0) running.set({ container_state: state }, count);
        }
      },
    );
    this.#byOrigin(
      "kubelet_desired_pods",
      "The number of pods the kubelet is being instructed to run. static is true if the pod is not from the apiserver.",
      all,
    );
    this.#byOrigin(
      "kubelet_active_pods",
      "The number of pods the kubelet considers active and which are being considered when admitting new pods. static is true if the pod is not from the apiserver.",
      () => all().filter(({ current: { status } }) => status?.phase !== "Succeeded" && status?.phase !== "Failed"),
    );
  }

  operation(type: string, seconds: number, isError: boolean): void {
    const labels = { operation_type: type };
    this.#operations.inc(labels);
    this.#operationSeconds.observe(labels, seconds);
    if (isError) this.#operationErrors.inc(labels);
  }

  sandboxRun(handler: string, seconds: number, isError: boolean): void {
    this.#startedPods.inc();
    this.#sandboxSeconds.observe({ runtime_handler: handler }, seconds);
    if (!isError) return;
    this.#startedPodErrors.inc();
    this.#sandboxErrors.inc({ runtime_handler: handler });
  }

  containerStarted(code: string | undefined): void {
    const labels = { container_type: "container" };
    this.#startedContainers.inc(labels);
    if (code !== undefined) this.#startedContainerErrors.inc({ ...labels, code });
  }

  /** @returns how to tell that it is over */
  request(labels: RequestLabels): () => void {
    const beganMs = performance.now();
    this.#requests.inc(labels);
    this.#inFlight.inc(labels);
    return () => {
      this.#inFlight.dec(labels);
      this.#requestSeconds.observe(labels, (performance.now() - beganMs) / 1000);
    };
  }

  worked(operation: PodOperation, seconds: number): void {
    this.#worked.observe({ operation_type: operation }, seconds);
  }

  started(seconds: number): void {
    this.#podStart.observe(seconds);
  }

  probed(about: ProbedContainer, result: "successful" | "failed" | "unknown", seconds: number): void {
    this.probes.probed(about, result, seconds);
  }

  forgotten(uid: string): void {
    this.probes.forgotten(uid);
  }

  #byOrigin(name: string, help: string, pods: () => readonly PodView[]): void {
    const gauge = this.#gauge(name, help, ["static"], () => {
      const all = pods();
      const fixed = all.filter(({ current }) => isStatic(current.metadata.annotations)).length;
      gauge.set({ static: "" }, all.length - fixed);
      gauge.set({ static: "true" }, fixed);
    });
  }

  #read(name: string, help: string, read: () => number): void {
    const gauge = this.#gauge(name, help, [], () => gauge.set(read()));
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []) {
    return new Counter({ name, help, labelNames: [...labelNames], registers: this.#registers });
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = [], collect: () => void = () => undefined) {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: this.#registers, collect });
  }

  #histogram(name: string, help: string, buckets: readonly number[], labelNames: readonly string[] = []) {
    return new Histogram({
      name,
      help,
      buckets: [...buckets],
      labelNames: [...labelNames],
      registers: this.#registers,
    });
  }
}

function isStatic(annotations: Readonly<Record<string, string>> = {}): boolean {
  const source = annotations["kubernetes.io/config.source"];
  return source !== undefined && source !== "api";
}
