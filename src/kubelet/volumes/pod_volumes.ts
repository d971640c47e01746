/** A pod's volumes on the node: made before its containers, kept up to date, and taken down when they have ended. */
import { chmod, chown, lstat, mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Pod } from "../../model/kubernetes.ts";
import { podFolder, type Folders } from "../pods/names.ts";
import type { NodeFacts } from "../pods/render/field_ref.ts";
import { bytesOf } from "../pods/render/resources.ts";
import type { PodSources } from "../pods/sources.ts";
import { writeAtomically } from "./atomic_writer.ts";
import { prepareHostPath } from "./host_path.ts";
import { mountTmpfs, unmountBelow } from "./mounts.ts";
import { defaultTokenSeconds, payloadOf, type Volume, type VolumeSources } from "./payload.ts";

export interface VolumeInput {
  readonly pod: Pod;
  readonly folders: Folders;
  readonly sources: PodSources;
  readonly node: NodeFacts;
}

/** A volume's name → its path on the node. */
export type VolumePaths = ReadonlyMap<string, string>;

/** Also brings what changed up to date. @throws Error whose message an Event can show */
export async function prepareVolumes(input: VolumeInput): Promise<VolumePaths> {
  const volumes = input.pod.spec.volumes ?? [];
  const entries = await Promise.all(
    volumes.map(async (volume) => {
      try {
        return [volume.name, await prepareOne(input, volume)] as const;
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
export async function removeVolumes(folders: Folders, uid: string): Promise<void> {
  const folder = podFolder(folders, uid);
  await unmountBelow(folder);
  await rm(folder, { recursive: true, force: true });
}

const plugins = {
  emptyDir: "kubernetes.io~empty-dir",
  configMap: "kubernetes.io~configmap",
  secret: "kubernetes.io~secret",
  downwardAPI: "kubernetes.io~downward-api",
  projected: "kubernetes.io~projected",
} as const;

type Plugin = keyof typeof plugins;

async function prepareOne(input: VolumeInput, volume: Volume): Promise<string> {
  const { hostPath, persistentVolumeClaim: claim } = volume;
  if (hostPath) {
    await prepareHostPath(hostPath.path, hostPath.type);
    return hostPath.path;
  }
  if (claim) return claimPath(input, claim.claimName);
  const plugin = (Object.keys(plugins) as Plugin[]).find((name) => volume[name] !== undefined) ?? otherwise(volume);
  const folder = path.join(podFolder(input.folders, input.pod.metadata.uid), "volumes", plugins[plugin], volume.name);
  await mkdir(folder, { recursive: true });
  if (plugin === "emptyDir") await prepareEmptyDir(input.pod, volume, folder);
  else await prepareFiles(input, volume, plugin, folder);
  return folder;
}

function otherwise(volume: Volume): Plugin {
  const kind = Object.keys(volume).find((key) => key !== "name");
  // What has no source at all is an emptyDir.
  if (kind === undefined) return "emptyDir";
  throw new Error(`volumes of type ${kind} are not served`);
}

async function claimPath({ sources, pod }: VolumeInput, claim: string): Promise<string> {
  const { spec, metadata } = await sources.volumeOf(claim, pod);
  if (spec.hostPath) {
    await prepareHostPath(spec.hostPath.path, spec.hostPath.type);
    return spec.hostPath.path;
  }
  if (!spec.local) throw new Error(`volume ${metadata.name} is of a type that is not served`);
  await prepareHostPath(spec.local.path, "Directory");
  return spec.local.path;
}

async function prepareEmptyDir(pod: Pod, { emptyDir }: Volume, folder: string): Promise<void> {
  const { medium = "", sizeLimit } = emptyDir ?? {};
  if (medium === "Memory") await mountTmpfs(folder, sizeLimit === undefined ? undefined : bytesOf(sizeLimit));
  else if (medium !== "") throw new Error(`medium ${medium} is not served`);
  await chmod(folder, 0o777);
  await giveToGroup(folder, pod);
}

/** Secrets and tokens never reach a disk. */
async function prepareFiles(input: VolumeInput, volume: Volume, plugin: Plugin, folder: string): Promise<void> {
  const payload = payloadOf(input.pod, volume, await readSources(input, volume), input.node)!;
  if (plugin !== "configMap") await mountTmpfs(folder);
  const changed = await writeAtomically(folder, payload);
  if (changed) await giveToGroup(folder, input.pod);
}

/** Reads all that a volume names, so that its content is a function of it. */
async function readSources({ pod, sources }: VolumeInput, volume: Volume): Promise<VolumeSources> {
  const parts = volume.projected?.sources ?? [volume];
  const configMaps = new Map<string, ReadonlyMap<string, Buffer> | undefined>();
  const secrets = new Map<string, ReadonlyMap<string, Buffer> | undefined>();
  const tokens = new Map<string, string>();
  await Promise.all(
    parts.map(async (part) => {
      const { configMap, secret } = part;
      if (configMap?.name) configMaps.set(configMap.name, await sources.configMap(configMap.name, pod));
      const secretName = secret && ("secretName" in secret ? secret.secretName : (secret as { name?: string }).name);
      if (secretName) secrets.set(secretName, await sources.secret(secretName, pod));
      const token = "serviceAccountToken" in part ? part.serviceAccountToken : undefined;
      if (!token) return;
      const { audience = "", expirationSeconds = defaultTokenSeconds } = token;
      tokens.set(`${audience} ${expirationSeconds}`, await sources.token(pod, audience, expirationSeconds));
    }),
  );
  return {
    configMap: (name) => configMaps.get(name),
    secret: (name) => secrets.get(name),
    token: (audience, seconds) => tokens.get(`${audience} ${seconds}`) ?? "",
  };
}

/** fsGroup: the group owns what is there, and what will be made in folders (pkg/volume/volume_linux.go). */
async function giveToGroup(folder: string, { spec }: Pod): Promise<void> {
  const group = spec.securityContext?.fsGroup;
  if (group === undefined) return;
  const below = await readdir(folder, { recursive: true });
  for (const name of [".", ...below]) {
    const file = path.join(folder, name);
    const found = await lstat(file);
    if (found.isSymbolicLink()) continue;
    await chown(file, found.uid, group);
    const added = found.isDirectory() ? 0o2770 : 0o440 | ((found.mode & 0o200) >> 3);
    await chmod(file, (found.mode & 0o7777) | added);
  }
}
