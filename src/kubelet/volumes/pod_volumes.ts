/** A pod's volumes on the node: made before its containers, kept up to date, and taken down when they have ended. */
import { chmod, mkdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Pod } from "../../model/kubernetes.ts";
import { allContainers } from "../pods/containers.ts";
import { podFolder, type Folders } from "../pods/names.ts";
import type { NodeFacts } from "../pods/render/field_ref.ts";
import { bytesOf } from "../pods/render/resources.ts";
import type { PodSources } from "../pods/sources.ts";
import { writeAtomically } from "./atomic_writer.ts";
import { prepareHostPath } from "./host_path.ts";
import { mountTmpfs, unmountBelow, type RunProgram } from "./mounts.ts";
import { giveToGroup } from "./ownership.ts";
import { payloadOf, type Volume } from "./payload.ts";
import { emptyDirPlugin, hostPathPlugin, localPlugin, pluginOf } from "./plugins.ts";
import { readSources } from "./read_sources.ts";

export interface VolumeInput {
  readonly pod: Pod;
  readonly folders: Folders;
  readonly sources: PodSources;
  readonly node: NodeFacts;
  readonly run: RunProgram;
  /** What is there already. */
  readonly before?: PreparedVolumes | undefined;
  /** Told of each volume that was made, or could not be. */
  readonly onMounted?: (plugin: string, seconds: number, isMounted: boolean) => void;
}

export interface PreparedVolume {
  /** On the node. */
  readonly path: string;
  /** Whatever a container asks for. */
  readonly isReadOnly: boolean;
  /** "kubernetes.io/empty-dir" */
  readonly plugin: string;
}

/** By a volume's name. */
export type PreparedVolumes = ReadonlyMap<string, PreparedVolume>;

/** Also brings what changed up to date. @throws Error whose message an Event can show */
export async function prepareVolumes(input: VolumeInput): Promise<PreparedVolumes> {
  const volumes = input.pod.spec.volumes ?? [];
  const entries = await Promise.all(
    volumes.map(async (volume) => {
      const before = input.before?.get(volume.name);
      if (before && !isProjection(volume)) return [volume.name, before] as const;
      try {
        return [volume.name, await measured(input, volume)] as const;
      } catch (error) {
        throw new Error(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`, {
          cause: error,
        });
      }
    }),
  );
  return new Map(entries);
}

/** Unmounts first: what another file system holds is not the pod's to remove. */
export async function removeVolumes(folders: Folders, uid: string, run: RunProgram): Promise<void> {
  const folder = podFolder(folders, uid);
  await unmountBelow(folder, run);
  await rm(folder, { recursive: true, force: true });
}

const projections = ["configMap", "secret", "downwardAPI", "projected"] as const;

type Projection = (typeof projections)[number];

function projectionOf(volume: Volume): Projection | undefined {
  return projections.find((name) => volume[name] !== undefined);
}

/** Below a pod's folder. */
function pluginFolder(plugin: string): string {
  return plugin.replace("/", "~");
}

/** Its content follows what it names. */
function isProjection(volume: Volume): boolean {
  return projectionOf(volume) !== undefined;
}

async function measured(input: VolumeInput, volume: Volume): Promise<PreparedVolume> {
  const beganMs = performance.now();
  const tell = (plugin: string, isMounted: boolean): void =>
    input.onMounted?.(plugin, (performance.now() - beganMs) / 1000, isMounted);
  try {
    const prepared = await prepareOne(input, volume);
    tell(prepared.plugin, true);
    return prepared;
  } catch (error) {
    tell(pluginOf(volume) ?? "N/A", false);
    throw error;
  }
}

async function prepareOne(input: VolumeInput, volume: Volume): Promise<PreparedVolume> {
  const { hostPath, persistentVolumeClaim: claim } = volume;
  if (hostPath) {
    await prepareHostPath(hostPath.path, hostPath.type);
    return { path: hostPath.path, isReadOnly: false, plugin: hostPathPlugin };
  }
  if (claim) return prepareClaim(input, claim.claimName, claim.readOnly === true);
  const projection = projectionOf(volume);
  if (projection) return prepareFiles(input, volume, projection);
  const kind = Object.keys(volume).find((key) => key !== "name");
  // What has no source at all is an emptyDir.
  if (kind !== undefined && kind !== "emptyDir") throw new Error(`volumes of type ${kind} are not served`);
  return prepareEmptyDir(input, volume);
}

async function prepareClaim(
  { sources, pod }: VolumeInput,
  claim: string,
  isReadOnly: boolean,
): Promise<PreparedVolume> {
  const { spec, metadata } = await sources.volumeOf(claim, pod);
  if (spec.hostPath) {
    await prepareHostPath(spec.hostPath.path, spec.hostPath.type);
    return { path: spec.hostPath.path, isReadOnly, plugin: hostPathPlugin };
  }
  if (!spec.local) throw new Error(`volume ${metadata.name} is of a type that is not served`);
  await prepareHostPath(spec.local.path, "Directory");
  const policy = pod.spec.securityContext?.fsGroupChangePolicy;
  if (!isReadOnly) await giveToGroup(spec.local.path, pod, policy === "OnRootMismatch");
  return { path: spec.local.path, isReadOnly, plugin: localPlugin };
}

async function prepareEmptyDir(input: VolumeInput, { name, emptyDir }: Volume): Promise<PreparedVolume> {
  const { pod, folders } = input;
  const below = podFolder(folders, pod.metadata.uid);
  const plugin = pluginFolder(emptyDirPlugin);
  const folder = path.join(below, "volumes", plugin, name);
  await mkdir(folder, { recursive: true });
  const { medium = "", sizeLimit } = emptyDir ?? {};
  if (medium !== "" && medium !== "Memory") throw new Error(`medium ${medium} is not served`);
  const isFresh = medium === "Memory" && (await mountTmpfs(folder, memoryBytes(input, sizeLimit), input.run));
  // Once: from then on it is the containers' (pkg/volume/util, SetReady).
  const ready = path.join(below, "plugins", plugin, name, "ready");
  if (isFresh || !(await stat(ready).catch(() => undefined))) {
    await chmod(folder, 0o777);
    await giveToGroup(folder, pod);
    await mkdir(path.dirname(ready), { recursive: true });
    await writeFile(ready, "");
  }
  return { path: folder, isReadOnly: false, plugin: emptyDirPlugin };
}

/** What it may hold at most: its own limit, the pod's, the node's (KEP-1967, calculateEmptyDirMemorySize). */
function memoryBytes({ pod, node }: VolumeInput, sizeLimit: string | undefined): number | undefined {
  const ofPod = allContainers(pod).reduce((sum, { spec }) => sum + bytesOf(spec.resources?.limits?.["memory"]), 0);
  const limits = [bytesOf(node.allocatable["memory"]), ofPod, bytesOf(sizeLimit)].filter((bytes) => bytes > 0);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

async function prepareFiles(input: VolumeInput, volume: Volume, projection: Projection): Promise<PreparedVolume> {
  const { pod, folders, sources, node } = input;
  const plugin = pluginOf(volume)!;
  const folder = path.join(podFolder(folders, pod.metadata.uid), "volumes", pluginFolder(plugin), volume.name);
  const [payload] = await Promise.all([
    readSources(pod, volume, sources).then((read) => payloadOf(pod, volume, read, node)!),
    makeFolder(folder, projection, input.run),
  ]);
  const gid = pod.spec.securityContext?.fsGroup;
  await writeAtomically(folder, payload, gid === undefined ? {} : { gid });
  return { path: folder, isReadOnly: true, plugin };
}

/** Secrets and tokens never reach a disk. */
async function makeFolder(folder: string, projection: Projection, run: RunProgram): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (projection !== "configMap") await mountTmpfs(folder, undefined, run);
}
