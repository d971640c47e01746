/** /metrics/cadvisor: the series of google/cadvisor (docs/storage/prometheus.md) that dashboards use. Pure. */
import type { CpuUse, LinkUse, MemoryUse } from "../../stats/decode.ts";
import type { Family, Sample } from "../metrics/text.ts";
import type { Measured, NodeSnapshot } from "./snapshot.ts";

type Labels = Readonly<Record<string, string>>;

interface Row {
  readonly labels: Labels;
  readonly use: Measured;
  readonly startedAtMs: number;
}

export function cadvisorFamilies(node: NodeSnapshot, versions: Labels): readonly Family[] {
  const rows = rowsOf(node);
  return [
    family(
      "gauge",
      "cadvisor_version_info",
      "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor version & cadvisor revision.",
      [{ labels: versions, value: 1 }],
    ),
    ...cpuTable.map((entry) => tableFamily(entry, rows, ({ cpu }) => cpu)),
    ...memoryTable.map((entry) => tableFamily(entry, rows, ({ memory }) => memory)),
    faults(rows),
    family(
      "gauge",
      "container_processes",
      "Number of processes running inside the container.",
      rows.map(({ labels, use }) => ({ labels, value: use.processes, timeMs: use.timeMs })),
    ),
    family(
      "gauge",
      "container_last_seen",
      "Last time a container was seen by the exporter",
      rows.map(({ labels, use }) => ({ labels, value: Math.floor(use.timeMs / 1000), timeMs: use.timeMs })),
    ),
    family(
      "gauge",
      "container_start_time_seconds",
      "Start time of the container since unix epoch in seconds.",
      rows.map(({ labels, use, startedAtMs }) => ({
        labels,
        value: Math.floor(startedAtMs / 1000),
        timeMs: use.timeMs,
      })),
    ),
    ...networkTable.map((entry) => networkFamily(entry, node)),
    ...fsFamilies(node),
    family("gauge", "machine_cpu_cores", "Number of logical CPU cores.", [{ value: node.cpus }]),
    family("gauge", "machine_memory_bytes", "Amount of memory installed on the machine.", [
      { value: node.memory.totalBytes },
    ]),
  ];
}

/** The node, all pods, each pod, each container: a sum over them would count everything several times, as cAdvisor's. */
function rowsOf(node: NodeSnapshot): readonly Row[] {
  const none = { container: "", image: "", name: "", namespace: "", pod: "" };
  const { memory } = node;
  const whole: MemoryUse | undefined = node.use.memory ?? wholeMemory(memory);
  return [
    { labels: { ...none, id: "/" }, use: { ...node.use, memory: whole }, startedAtMs: node.bootMs },
    { labels: { ...none, id: node.allPods.group }, use: node.allPods, startedAtMs: node.bootMs },
    ...node.pods.flatMap((pod) => {
      const own = { ...none, namespace: pod.namespace, pod: pod.name };
      return [
        { labels: { ...own, id: pod.use.group }, use: pod.use, startedAtMs: pod.startedAtMs },
        ...pod.containers.map(({ name, id, image, use, startedAtMs }) => ({
          labels: { ...own, container: name, image, name: id, id: use.group },
          use,
          startedAtMs,
        })),
      ];
    }),
  ];
}

/** With cgroup v2 the root group counts no memory. */
function wholeMemory({ usageBytes, workingSetBytes, rssBytes, swapUsedBytes }: NodeSnapshot["memory"]): MemoryUse {
  const unknown = { cacheBytes: 0, mappedBytes: 0, maxUsageBytes: 0, limitBytes: 0, failures: 0, oomKills: 0 };
  return {
    ...unknown,
    usageBytes,
    workingSetBytes,
    rssBytes,
    swapBytes: swapUsedBytes,
    pageFaults: 0,
    majorPageFaults: 0,
  };
}

interface Entry<Use> {
  readonly name: string;
  readonly help: string;
  readonly type?: "gauge";
  readonly labels?: Labels;
  readonly value: (use: Use) => number;
}

const cpuTable: readonly Entry<CpuUse>[] = [
  {
    name: "container_cpu_usage_seconds_total",
    help: "Cumulative cpu time consumed in seconds.",
    labels: { cpu: "total" },
    value: ({ usageNanos }) => usageNanos / 1e9,
  },
  {
    name: "container_cpu_user_seconds_total",
    help: "Cumulative user cpu time consumed in seconds.",
    value: ({ userNanos }) => userNanos / 1e9,
  },
  {
    name: "container_cpu_system_seconds_total",
    help: "Cumulative system cpu time consumed in seconds.",
    value: ({ systemNanos }) => systemNanos / 1e9,
  },
  {
    name: "container_cpu_cfs_periods_total",
    help: "Number of elapsed enforcement period intervals.",
    value: ({ periods }) => periods,
  },
  {
    name: "container_cpu_cfs_throttled_periods_total",
    help: "Number of throttled period intervals.",
    value: ({ throttledPeriods }) => throttledPeriods,
  },
  {
    name: "container_cpu_cfs_throttled_seconds_total",
    help: "Total time duration the container has been throttled.",
    value: ({ throttledNanos }) => throttledNanos / 1e9,
  },
];

const memoryTable: readonly Entry<MemoryUse>[] = [
  {
    name: "container_memory_usage_bytes",
    type: "gauge",
    help: "Current memory usage in bytes, including all memory regardless of when it was accessed",
    value: ({ usageBytes }) => usageBytes,
  },
  {
    name: "container_memory_working_set_bytes",
    type: "gauge",
    help: "Current working set in bytes.",
    value: ({ workingSetBytes }) => workingSetBytes,
  },
  { name: "container_memory_rss", type: "gauge", help: "Size of RSS in bytes.", value: ({ rssBytes }) => rssBytes },
  {
    name: "container_memory_cache",
    type: "gauge",
    help: "Number of bytes of page cache memory.",
    value: ({ cacheBytes }) => cacheBytes,
  },
  {
    name: "container_memory_mapped_file",
    type: "gauge",
    help: "Size of memory mapped files in bytes.",
    value: ({ mappedBytes }) => mappedBytes,
  },
  {
    name: "container_memory_swap",
    type: "gauge",
    help: "Container swap usage in bytes.",
    value: ({ swapBytes }) => swapBytes,
  },
  {
    name: "container_memory_max_usage_bytes",
    type: "gauge",
    help: "Maximum memory usage recorded in bytes",
    value: ({ maxUsageBytes }) => maxUsageBytes,
  },
  {
    name: "container_spec_memory_limit_bytes",
    type: "gauge",
    help: "Memory limit for the container.",
    value: ({ limitBytes }) => limitBytes,
  },
  { name: "container_memory_failcnt", help: "Number of memory usage hits limits", value: ({ failures }) => failures },
  {
    name: "container_oom_events_total",
    help: "Count of out of memory events observed for the container",
    value: ({ oomKills }) => oomKills,
  },
];

function tableFamily<Use>(entry: Entry<Use>, rows: readonly Row[], of: (use: Measured) => Use | undefined): Family {
  const samples = rows.flatMap(({ labels, use }) => {
    const used = of(use);
    return used ? [{ labels: { ...labels, ...entry.labels }, value: entry.value(used), timeMs: use.timeMs }] : [];
  });
  return family(entry.type ?? "counter", entry.name, entry.help, samples);
}

function faults(rows: readonly Row[]): Family {
  const samples = rows.flatMap(({ labels, use: { memory, timeMs } }) =>
    memory
      ? [
          { labels: { ...labels, failure_type: "pgfault", scope: "hierarchy" }, value: memory.pageFaults, timeMs },
          {
            labels: { ...labels, failure_type: "pgmajfault", scope: "hierarchy" },
            value: memory.majorPageFaults,
            timeMs,
          },
        ]
      : [],
  );
  return family(
    "counter",
    "container_memory_failures_total",
    "Cumulative count of memory allocation failures.",
    samples,
  );
}

const networkTable: readonly Entry<LinkUse>[] = [
  {
    name: "container_network_receive_bytes_total",
    help: "Cumulative count of bytes received",
    value: ({ rxBytes }) => rxBytes,
  },
  {
    name: "container_network_receive_packets_total",
    help: "Cumulative count of packets received",
    value: ({ rxPackets }) => rxPackets,
  },
  {
    name: "container_network_receive_packets_dropped_total",
    help: "Cumulative count of packets dropped while receiving",
    value: ({ rxDropped }) => rxDropped,
  },
  {
    name: "container_network_receive_errors_total",
    help: "Cumulative count of errors encountered while receiving",
    value: ({ rxErrors }) => rxErrors,
  },
  {
    name: "container_network_transmit_bytes_total",
    help: "Cumulative count of bytes transmitted",
    value: ({ txBytes }) => txBytes,
  },
  {
    name: "container_network_transmit_packets_total",
    help: "Cumulative count of packets transmitted",
    value: ({ txPackets }) => txPackets,
  },
  {
    name: "container_network_transmit_packets_dropped_total",
    help: "Cumulative count of packets dropped while transmitting",
    value: ({ txDropped }) => txDropped,
  },
  {
    name: "container_network_transmit_errors_total",
    help: "Cumulative count of errors encountered while transmitting",
    value: ({ txErrors }) => txErrors,
  },
];

/** The containers of a pod share its links: they are the pod's. */
function networkFamily({ name, help, value }: Entry<LinkUse>, node: NodeSnapshot): Family {
  const none = { container: "", image: "", name: "" };
  const of = (links: readonly LinkUse[], labels: Labels, timeMs: number): Sample[] =>
    links.map((link) => ({ labels: { ...none, ...labels, interface: link.name }, value: value(link), timeMs }));
  return family("counter", name, help, [
    ...of(node.links, { id: "/", namespace: "", pod: "" }, node.timeMs),
    ...node.pods.flatMap(({ links, use, namespace, name: pod }) =>
      of(links, { id: use.group, namespace, pod }, use.timeMs),
    ),
  ]);
}

function fsFamilies(node: NodeSnapshot): readonly Family[] {
  const labels = { container: "", device: "", id: "/", image: "", name: "", namespace: "", pod: "" };
  const whole = (value: number): Sample[] => [{ labels, value, timeMs: node.timeMs }];
  const used = node.pods.flatMap((pod) =>
    pod.containers.flatMap(({ name, id, image, use, rootfs }) =>
      rootfs
        ? [
            {
              labels: {
                ...labels,
                container: name,
                id: use.group,
                image,
                name: id,
                namespace: pod.namespace,
                pod: pod.name,
              },
              value: rootfs.bytes,
              timeMs: use.timeMs,
            },
          ]
        : [],
    ),
  );
  return [
    family(
      "gauge",
      "container_fs_limit_bytes",
      "Number of bytes that can be consumed by the container on this filesystem.",
      whole(node.fs.capacityBytes),
    ),
    family(
      "gauge",
      "container_fs_usage_bytes",
      "Number of bytes that are consumed by the container on this filesystem.",
      [...whole(node.fs.usedBytes), ...used],
    ),
    family("gauge", "container_fs_inodes_free", "Number of available Inodes", whole(node.fs.inodesFree)),
    family("gauge", "container_fs_inodes_total", "Number of Inodes", whole(node.fs.inodes)),
  ];
}

function family(type: Family["type"], name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type, samples };
}
