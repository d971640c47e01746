/** /metrics/resource: what a metrics-server reads (pkg/kubelet/metrics/collectors/resource_metrics.go). Pure. */
import type { Family, Sample } from "../metrics/text.ts";
import type { Measured, NodeSnapshot } from "./snapshot.ts";

interface Labelled {
  readonly labels: Readonly<Record<string, string>>;
  readonly use: Measured;
}

/** @param node undefined: it could not be read */
export function resourceFamilies(node: NodeSnapshot | undefined): readonly Family[] {
  const error = { samples: [{ value: node ? 0 : 1 }] };
  const help = "1 if there was an error while getting container metrics, 0 otherwise";
  const scrape: Family = { name: "resource_scrape_error", type: "gauge", help: `[STABLE] ${help}`, ...error };
  return node ? [...nodeFamilies(node), ...podFamilies(node), scrape] : [scrape];
}

function nodeFamilies({ use, memory, timeMs }: NodeSnapshot): readonly Family[] {
  return [
    counter(
      "node_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the node in core-seconds",
      cpu([{ labels: {}, use }]),
    ),
    gauge("node_memory_working_set_bytes", "Current working set of the node in bytes", [
      { value: memory.workingSetBytes, timeMs },
    ]),
    gauge(
      "node_swap_usage_bytes",
      "Current swap usage of the node in bytes. Reported only on non-windows systems",
      [{ value: memory.swapUsedBytes, timeMs }],
      "ALPHA",
    ),
  ];
}

function podFamilies({ pods }: NodeSnapshot): readonly Family[] {
  const ofPods: Labelled[] = pods.map(({ name, namespace, use }) => ({ labels: { namespace, pod: name }, use }));
  const containers = pods.flatMap((pod) =>
    pod.containers.map(({ name, use, startedAtMs }) => ({
      labels: { container: name, namespace: pod.namespace, pod: pod.name },
      use,
      startedAtMs,
    })),
  );
  const started = containers
    .filter(({ startedAtMs }) => startedAtMs > 0)
    .map(({ labels, startedAtMs }) => ({ labels, value: startedAtMs / 1000 }));
  const swap = "in bytes. Reported only on non-windows systems";
  return [
    gauge("container_start_time_seconds", "Start time of the container since unix epoch in seconds", started),
    counter(
      "container_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the container in core-seconds",
      cpu(containers),
    ),
    gauge(
      "container_memory_working_set_bytes",
      "Current working set of the container in bytes",
      workingSet(containers),
    ),
    gauge(
      "container_swap_usage_bytes",
      `Current amount of the container swap usage ${swap}`,
      swapUse(containers),
      "ALPHA",
    ),
    counter("pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds", cpu(ofPods)),
    gauge("pod_memory_working_set_bytes", "Current working set of the pod in bytes", workingSet(ofPods)),
    gauge("pod_swap_usage_bytes", `Current amount of the pod swap usage ${swap}`, swapUse(ofPods), "ALPHA"),
  ];
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help: `[STABLE] ${help}`, type: "counter", samples };
}

function gauge(name: string, help: string, samples: readonly Sample[], level = "STABLE"): Family {
  return { name, help: `[${level}] ${help}`, type: "gauge", samples };
}

function cpu(all: readonly Labelled[]): readonly Sample[] {
  return all.flatMap(({ labels, use: { cpu: used, timeMs } }) =>
    used ? [{ labels, value: used.usageNanos / 1e9, timeMs }] : [],
  );
}

function workingSet(all: readonly Labelled[]): readonly Sample[] {
  return all.flatMap(({ labels, use: { memory, timeMs } }) =>
    memory ? [{ labels, value: memory.workingSetBytes, timeMs }] : [],
  );
}

function swapUse(all: readonly Labelled[]): readonly Sample[] {
  return all.flatMap(({ labels, use: { memory, timeMs } }) =>
    memory ? [{ labels, value: memory.swapBytes, timeMs }] : [],
  );
}
