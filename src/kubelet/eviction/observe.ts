/** The real stats: /proc, control groups, file systems, and what the runtime says of containers' layers. */
import { readFile, stat, statfs } from "node:fs/promises";
import type { Pod } from "../../model/kubernetes.ts";
import { podCgroupName, podsRoot, type CgroupPlace } from "../cgroups/names.ts";
import { readPids } from "../cgroups/pids.ts";
import type { CgroupTree } from "../cgroups/tree.ts";
import { memoryUse, processCount } from "../cgroups/usage.ts";
import type { ContainerStats } from "../cri/messages.ts";
import type { Runtime } from "../cri/runtime.ts";
import { qosClassOf } from "../pods/containers.ts";
import { containerNameLabel, podFolder, podLogFolder, podUidLabel, type Folders } from "../pods/names.ts";
import { diskUseOf } from "./disk_use.ts";
import type { Observation, Signal } from "./signals.ts";
import type { NodeStats } from "./stats.ts";
import type { ContainerUse, DiskUse, PodUse } from "./usage.ts";

export interface NodeStatsOptions {
  readonly runtime: Runtime;
  readonly tree: CgroupTree;
  readonly place: CgroupPlace;
  readonly folders: Folders;
}

export function nodeStats(options: NodeStatsOptions): NodeStats {
  return {
    hasImageFs: async () => {
      const [image, own] = await Promise.all([imageFolder(options), stat(options.folders.root)]);
      return image !== undefined && (await stat(image)).dev !== own.dev;
    },
    signals: () => readSignals(options),
    pods: async (pods) => {
      const stats = await options.runtime.listContainerStats();
      const entries = pods.map(async (pod) => [pod.metadata.uid, await podUse(options, pod, stats)] as const);
      return new Map(await Promise.all(entries));
    },
  };
}

async function imageFolder({ runtime }: NodeStatsOptions): Promise<string | undefined> {
  const [first] = await runtime.imageFilesystems();
  return first?.fsId?.mountpoint;
}

async function readSignals(options: NodeStatsOptions) {
  const { tree, place, folders } = options;
  const [memory, ofPods, node, image, pids] = await Promise.all([
    readMemory(),
    memoryUse(tree, podsRoot(place)),
    fileSystem(folders.root),
    imageFolder(options).then((folder) => fileSystem(folder ?? folders.root)),
    readPids(),
  ]);
  const signals = new Map<Signal, Observation>([
    ["memory.available", memory],
    ["nodefs.available", node.bytes],
    ["nodefs.inodesFree", node.inodes],
    ["imagefs.available", image.bytes],
    ["imagefs.inodesFree", image.inodes],
    ["pid.available", { available: pids.most - pids.running, capacity: pids.most }],
  ]);
  if (ofPods) {
    const capacity = Math.min(ofPods.limitBytes, memory.capacity);
    signals.set("allocatableMemory.available", { available: capacity - ofPods.workingSetBytes, capacity });
  }
  return signals;
}

/** Free pages, and pages of files that nobody uses: as cAdvisor takes it for the root group. */
async function readMemory(): Promise<Observation> {
  const text = await readFile("/proc/meminfo", "utf8");
  const of = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { available: of("MemFree") + of("Inactive\\(file\\)"), capacity: of("MemTotal") };
}

async function fileSystem(folder: string): Promise<{ readonly bytes: Observation; readonly inodes: Observation }> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(folder);
  return {
    bytes: { available: bavail * bsize, capacity: blocks * bsize },
    inodes: { available: ffree, capacity: files },
  };
}

async function podUse(options: NodeStatsOptions, pod: Pod, stats: readonly ContainerStats[]): Promise<PodUse> {
  const { tree, place } = options;
  const { uid } = pod.metadata;
  const name = podCgroupName(place, uid, qosClassOf(pod));
  const own = stats.filter(({ attributes }) => attributes?.labels[podUidLabel] === uid);
  const [memory, processes, volumes, containers] = await Promise.all([
    memoryUse(tree, name),
    processCount(tree, name),
    volumesUse(options, pod),
    Promise.all(own.map((one) => containerUse(options, pod, one))),
  ]);
  const sum = containers.reduce((bytes, [, { memoryBytes }]) => bytes + memoryBytes, 0);
  return { memoryBytes: memory?.workingSetBytes ?? sum, processes, volumes, containers: new Map(containers) };
}

async function containerUse(
  { folders }: NodeStatsOptions,
  pod: Pod,
  { attributes, memory, writableLayer }: ContainerStats,
): Promise<readonly [string, ContainerUse]> {
  const name = attributes?.labels[containerNameLabel] ?? "";
  const logs = await diskUseOf(`${podLogFolder(folders, pod)}/${name}`);
  const rootfs: DiskUse = {
    bytes: writableLayer?.usedBytes?.value ?? 0,
    inodes: writableLayer?.inodesUsed?.value ?? 0,
  };
  return [name, { memoryBytes: memory?.workingSetBytes?.value ?? 0, rootfs, logs }];
}

/** Those on the node's disk; what an emptyDir holds in memory has its limit too. */
async function volumesUse({ folders }: NodeStatsOptions, { spec, metadata }: Pod): Promise<PodUse["volumes"]> {
  const below = `${podFolder(folders, metadata.uid)}/volumes`;
  const local = (spec.volumes ?? []).filter(({ emptyDir, configMap }) => emptyDir ?? configMap);
  const uses = local.map(async ({ name, emptyDir }) => {
    const plugin = emptyDir ? "kubernetes.io~empty-dir" : "kubernetes.io~configmap";
    return [name, await diskUseOf(`${below}/${plugin}/${name}`)] as const;
  });
  return new Map(await Promise.all(uses));
}
