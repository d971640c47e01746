/** The real stats: /proc, control groups, file systems, and what the runtime says of containers' layers. */
import { readFile, stat } from "node:fs/promises";
import type { Pod } from "../../model/kubernetes.ts";
import { Pace } from "../../reconcile/pace.ts";
import { podCgroupName, podsRoot, type CgroupPlace } from "../cgroups/names.ts";
import type { CgroupTree } from "../cgroups/tree.ts";
import type { ContainerStats } from "../cri/messages.ts";
import type { Runtime } from "../cri/runtime.ts";
import { qosClassOf } from "../pods/containers.ts";
import { containerNameLabel, podFolder, podLogFolder, podUidLabel, type Folders } from "../pods/names.ts";
import { decodeMeminfo, type GroupUse } from "../stats/decode.ts";
import { diskUseOf, layerUse, noDisk, type DiskUse } from "../stats/disk_use.ts";
import { fileSystem, imageFolder, type FileSystem } from "../stats/file_system.ts";
import { Groups } from "../stats/groups.ts";
import { readPids } from "../stats/pids.ts";
import type { Observation, Signal } from "./signals.ts";
import type { NodeStats } from "./stats.ts";
import type { ContainerUse, PodUse } from "./usage.ts";

export interface NodeStatsOptions {
  readonly runtime: Runtime;
  readonly tree: CgroupTree;
  readonly place: CgroupPlace;
  readonly folders: Folders;
}

export function nodeStats(options: NodeStatsOptions): NodeStats {
  const groups = new Groups(options.tree.hierarchies);
  return {
    hasImageFs: async () => {
      const [image, own] = await Promise.all([imageFolder(options.runtime), stat(options.folders.root)]);
      return image !== undefined && (await stat(image)).dev !== own.dev;
    },
    signals: () => readSignals(options, groups),
    pods: async (pods) => {
      const stats = await options.runtime.listContainerStats();
      const pace = new Pace();
      const measured: (readonly [Pod, GroupUse])[] = [];
      for (const pod of pods) {
        measured.push([pod, groups.use(groupOf(options, pod))]);
        await pace.next();
      }
      const entries = measured.map(
        async ([pod, group]) => [pod.metadata.uid, await podUse(options, pod, group, stats)] as const,
      );
      return new Map(await Promise.all(entries));
    },
  };
}

function groupOf({ tree, place }: NodeStatsOptions, pod: Pod): string {
  return tree.literal(podCgroupName(place, pod.metadata.uid, qosClassOf(pod)));
}

async function readSignals({ tree, place, folders, runtime }: NodeStatsOptions, groups: Groups) {
  const [memory, node, image, pids] = await Promise.all([
    nodeMemory(),
    fileSystem(folders.root),
    imageFolder(runtime).then((folder) => fileSystem(folder ?? folders.root)),
    readPids(),
  ]);
  const { memory: ofPods } = groups.use(tree.literal(podsRoot(place)));
  const signals = new Map<Signal, Observation>([
    ["memory.available", memory],
    ["nodefs.available", bytesOf(node)],
    ["nodefs.inodesFree", inodesOf(node)],
    ["imagefs.available", bytesOf(image)],
    ["imagefs.inodesFree", inodesOf(image)],
    ["pid.available", { available: pids.most - pids.running, capacity: pids.most }],
  ]);
  if (ofPods) {
    const capacity = Math.min(ofPods.limitBytes || Infinity, memory.capacity);
    signals.set("allocatableMemory.available", { available: capacity - ofPods.workingSetBytes, capacity });
  }
  return signals;
}

/** Free pages, and pages of files that nobody uses: as cAdvisor takes it for the root group. */
async function nodeMemory(): Promise<Observation> {
  const { totalBytes, workingSetBytes } = decodeMeminfo(await readFile("/proc/meminfo", "utf8"));
  return { available: totalBytes - workingSetBytes, capacity: totalBytes };
}

function bytesOf({ availableBytes, capacityBytes }: FileSystem): Observation {
  return { available: availableBytes, capacity: capacityBytes };
}

function inodesOf({ inodesFree, inodes }: FileSystem): Observation {
  return { available: inodesFree, capacity: inodes };
}

async function podUse(
  options: NodeStatsOptions,
  pod: Pod,
  { memory, processes }: GroupUse,
  stats: readonly ContainerStats[],
): Promise<PodUse> {
  const { uid } = pod.metadata;
  const own = stats.filter(({ attributes }) => attributes?.labels[podUidLabel] === uid);
  const [volumes, containers] = await Promise.all([
    volumesUse(options, pod),
    Promise.all(own.map((one) => containerUse(options, pod, one))),
  ]);
  const sum = containers.reduce((bytes, [, { memoryBytes }]) => bytes + memoryBytes, 0);
  return { memoryBytes: memory?.workingSetBytes ?? sum, processes, volumes, containers: new Map(containers) };
}

async function containerUse(
  { folders }: NodeStatsOptions,
  pod: Pod,
  stats: ContainerStats,
): Promise<readonly [string, ContainerUse]> {
  const { attributes, memory } = stats;
  const name = attributes?.labels[containerNameLabel] ?? "";
  const logs = await diskUseOf(`${podLogFolder(folders, pod)}/${name}`);
  const rootfs: DiskUse = layerUse(stats) ?? noDisk;
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
