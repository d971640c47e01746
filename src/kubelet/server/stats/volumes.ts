/** What a pod's volumes hold, and could hold. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Pod } from "../../../model/kubernetes.ts";
import type { NodeMetrics } from "../../node/metrics.ts";
import { diskUseOf } from "../../stats/disk_use.ts";
import { fileSystem } from "../../stats/file_system.ts";
import { localPlugin } from "../../volumes/plugins.ts";
import type { PreparedVolumes } from "../../volumes/pod_volumes.ts";
import type { VolumeSnapshot } from "./snapshot.ts";

export interface VolumesToRead {
  /** The pod's: in it one of each plug-in, with the volumes. */
  readonly folder: string;
  readonly spec: Pod["spec"];
  /** As they are on the node. */
  readonly prepared?: PreparedVolumes | undefined;
  readonly metrics?: Pick<NodeMetrics, "volumeMeasured"> | undefined;
}

type Found = Omit<VolumeSnapshot, "claim">;

export async function readVolumes(wanted: VolumesToRead): Promise<readonly VolumeSnapshot[]> {
  const { volumes = [] } = wanted.spec;
  const found = await Promise.all([readFolders(wanted), readClaims(wanted)]);
  return found.flat().flatMap((volume) => {
    const spec = volumes.find(({ name }) => name === volume?.name);
    return volume && spec ? [{ ...volume, claim: spec.persistentVolumeClaim?.claimName }] : [];
  });
}

async function readFolders({ folder, metrics }: VolumesToRead): Promise<readonly (Found | undefined)[]> {
  const own = (await stat(folder).catch(() => undefined))?.dev;
  const plugins = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    plugins.map(async (plugin) => {
      const names = await readdir(path.join(folder, plugin)).catch(() => []);
      return Promise.all(names.map((name) => readVolume(path.join(folder, plugin, name), name, own, metrics)));
    }),
  );
  return found.flat();
}

/** Those on local volumes, of whose file systems upstream tells too; what is at a hostPath nobody looks at. */
function readClaims({ spec, prepared, metrics }: VolumesToRead): Promise<readonly (Found | undefined)[]> {
  const claims = (spec.volumes ?? []).filter(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
  return Promise.all(
    claims.map(async ({ name }) => {
      const volume = prepared?.get(name);
      if (volume?.plugin !== localPlugin) return undefined;
      const beganMs = performance.now();
      const fs = await fileSystem(volume.path).catch(() => undefined);
      metrics?.volumeMeasured("statfs", (performance.now() - beganMs) / 1000);
      return fs && { name, fs };
    }),
  );
}

/** One with a file system of its own is as full as that is; of others it is counted. */
async function readVolume(
  folder: string,
  name: string,
  ownDevice: number | undefined,
  metrics: VolumesToRead["metrics"],
): Promise<Found | undefined> {
  const beganMs = performance.now();
  const tell = (source: "du" | "statfs"): void => metrics?.volumeMeasured(source, (performance.now() - beganMs) / 1000);
  try {
    const [{ dev }, fs] = await Promise.all([stat(folder), fileSystem(folder)]);
    if (dev !== ownDevice) {
      tell("statfs");
      return { name, fs };
    }
    const { bytes, inodes } = await diskUseOf(folder);
    tell("du");
    return { name, fs: { ...fs, usedBytes: bytes, inodes: inodes + fs.inodesFree } };
  } catch {
    // It went while it was looked at.
    return undefined;
  }
}
