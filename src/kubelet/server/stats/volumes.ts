/** What a pod's volumes hold, and could hold. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { Pod } from "../../../model/kubernetes.ts";
import { diskUseOf } from "../../stats/disk_use.ts";
import { fileSystem } from "../../stats/file_system.ts";
import type { VolumeSnapshot } from "./snapshot.ts";

/** @param folder the pod's: in it one of each plug-in, with the volumes */
export async function readVolumes(folder: string, { volumes = [] }: Pod["spec"]): Promise<readonly VolumeSnapshot[]> {
  const own = (await stat(folder).catch(() => undefined))?.dev;
  const plugins = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    plugins.map(async (plugin) => {
      const names = await readdir(path.join(folder, plugin)).catch(() => []);
      return Promise.all(names.map((name) => readVolume(path.join(folder, plugin, name), name, own)));
    }),
  );
  return found.flat().flatMap((volume) => {
    const spec = volumes.find(({ name }) => name === volume?.name);
    return volume && spec ? [{ ...volume, claim: spec.persistentVolumeClaim?.claimName }] : [];
  });
}

/** One with a file system of its own is as full as that is; of others it is counted. */
async function readVolume(folder: string, name: string, ownDevice: number | undefined) {
  try {
    const [{ dev }, fs] = await Promise.all([stat(folder), fileSystem(folder)]);
    if (dev !== ownDevice) return { name, fs };
    const { bytes, inodes } = await diskUseOf(folder);
    return { name, fs: { ...fs, usedBytes: bytes, inodes: inodes + fs.inodesFree } };
  } catch {
    // It went while it was looked at.
    return undefined;
  }
}
