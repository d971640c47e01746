/** /stats/summary (k8s.io/kubelet, pkg/apis/stats/v1alpha1). Pure. */
import { timestamp } from "../../../model/timestamp.ts";
import type { LinkUse, MemoryUse } from "../../stats/decode.ts";
import type { DiskUse } from "../../stats/disk_use.ts";
import type { FileSystem } from "../../stats/file_system.ts";
import type { ContainerSnapshot, Measured, NodeSnapshot, PodSnapshot } from "./snapshot.ts";

export function summaryOf(node: NodeSnapshot, onlyCpuAndMemory = false): object {
  return {
    node: nodeStats(node, onlyCpuAndMemory),
    pods: node.pods.map((pod) => podStats(node, pod, onlyCpuAndMemory)),
  };
}

function nodeStats(node: NodeSnapshot, isShort: boolean): object {
  const time = timestamp(node.timeMs);
  const { memory, use } = node;
  const common = {
    nodeName: node.name,
    systemContainers: [{ name: "pods", startTime: timestamp(node.bootMs), ...cpuAndMemory(node.allPods) }],
    startTime: timestamp(node.bootMs),
    ...cpuOf(use),
    memory: {
      time,
      availableBytes: memory.totalBytes - memory.workingSetBytes,
      usageBytes: memory.usageBytes,
      workingSetBytes: memory.workingSetBytes,
      rssBytes: memory.rssBytes,
      pageFaults: use.memory?.pageFaults ?? 0,
      majorPageFaults: use.memory?.majorPageFaults ?? 0,
    },
  };
  if (isShort) return common;
  return {
    ...common,
    network: networkOf(time, node.links),
    fs: fsOf(time, node.fs),
    runtime: { imageFs: fsOf(time, node.imageFs), containerFs: fsOf(time, node.imageFs) },
    rlimit: { time, maxpid: node.processes.most, curproc: node.processes.running },
    swap: {
      time,
      swapAvailableBytes: memory.swapTotalBytes - memory.swapUsedBytes,
      swapUsageBytes: memory.swapUsedBytes,
    },
  };
}

function podStats(node: NodeSnapshot, pod: PodSnapshot, isShort: boolean): object {
  const time = timestamp(pod.use.timeMs);
  const { name, namespace, uid } = pod;
  const common = {
    podRef: { name, namespace, uid },
    startTime: timestamp(pod.startedAtMs),
    containers: pod.containers.map((container) => containerStats(node, container, isShort)),
    ...cpuAndMemory(pod.use),
  };
  if (isShort) return common;
  return {
    ...common,
    ...(pod.links.length === 0 ? {} : { network: networkOf(time, pod.links) }),
    ...(pod.volumes.length === 0
      ? {}
      : {
          volume: pod.volumes.map(({ name: volume, fs, claim }) => ({
            ...fsOf(time, fs),
            name: volume,
            ...(claim === undefined ? {} : { pvcRef: { name: claim, namespace } }),
          })),
        }),
    "ephemeral-storage": diskOf(time, node.fs, ephemeralUse(pod)),
    process_stats: { process_count: pod.use.processes },
    ...swapOf(pod.use),
  };
}

function ephemeralUse({ containers, volumes }: PodSnapshot): DiskUse {
  const parts = containers.flatMap(({ rootfs, logs }) => (rootfs ? [rootfs, logs] : [logs]));
  const local = volumes.filter(({ claim }) => claim === undefined).map(({ fs }) => fs.usedBytes);
  return {
    bytes: [...parts.map(({ bytes }) => bytes), ...local].reduce((sum, bytes) => sum + bytes, 0),
    inodes: parts.reduce((sum, { inodes }) => sum + inodes, 0),
  };
}

function containerStats(node: NodeSnapshot, container: ContainerSnapshot, isShort: boolean): object {
  const time = timestamp(container.use.timeMs);
  const common = {
    name: container.name,
    startTime: timestamp(container.startedAtMs),
    ...cpuAndMemory(container.use),
  };
  if (isShort) return common;
  return {
    ...common,
    ...(container.rootfs ? { rootfs: diskOf(time, node.imageFs, container.rootfs) } : {}),
    logs: diskOf(time, node.fs, container.logs),
    ...swapOf(container.use),
  };
}

function cpuAndMemory(use: Measured): object {
  return { ...cpuOf(use), ...(use.memory ? { memory: memoryOf(use, use.memory) } : {}) };
}

function cpuOf({ cpu, timeMs, usageNanoCores }: Measured): object {
  if (!cpu) return {};
  return {
    cpu: {
      time: timestamp(timeMs),
      ...(usageNanoCores === undefined ? {} : { usageNanoCores }),
      usageCoreNanoSeconds: cpu.usageNanos,
    },
  };
}

function memoryOf({ timeMs }: Measured, memory: MemoryUse): object {
  const { limitBytes, workingSetBytes, usageBytes, rssBytes, pageFaults, majorPageFaults } = memory;
  return {
    time: timestamp(timeMs),
    ...(limitBytes === 0 ? {} : { availableBytes: Math.max(0, limitBytes - workingSetBytes) }),
    usageBytes,
    workingSetBytes,
    rssBytes,
    pageFaults,
    majorPageFaults,
  };
}

function swapOf({ memory, timeMs }: Measured): object {
  return memory ? { swap: { time: timestamp(timeMs), swapUsageBytes: memory.swapBytes } } : {};
}

/** Of several links the one by which a pod is reached is the first. */
function networkOf(time: string, links: readonly LinkUse[]): object {
  const interfaces = links.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes,
    rxErrors,
    txBytes,
    txErrors,
  }));
  const main = interfaces.find(({ name }) => name === "eth0") ?? interfaces[0];
  return { time, ...main, interfaces };
}

function fsOf(time: string, fs: FileSystem): object {
  const { availableBytes, capacityBytes, usedBytes, inodesFree, inodes } = fs;
  return { time, availableBytes, capacityBytes, usedBytes, inodesFree, inodes, inodesUsed: inodes - inodesFree };
}

/** A part of a file system: its own use, and what all of it has. */
function diskOf(time: string, fs: FileSystem, { bytes, inodes }: DiskUse): object {
  return { ...fsOf(time, fs), usedBytes: bytes, inodesUsed: inodes };
}
