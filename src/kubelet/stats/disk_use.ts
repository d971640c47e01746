/** How much of a disk a folder takes, as du(1) counts it, or a container's layer, as the runtime does. */
import { lstat, opendir } from "node:fs/promises";
import path from "node:path";
import type { ContainerStats } from "../cri/messages.ts";

export interface DiskUse {
  readonly bytes: number;
  readonly inodes: number;
}

export const noDisk: DiskUse = { bytes: 0, inodes: 0 };

/** What a container has written over its image; undefined: nobody counted. */
export function layerUse({ writableLayer }: ContainerStats): DiskUse | undefined {
  const bytes = writableLayer?.usedBytes?.value;
  return bytes === undefined ? undefined : { bytes, inodes: writableLayer?.inodesUsed?.value ?? 0 };
}

/** A file of several names counts once. What goes while it is counted does not count. */
export async function diskUseOf(folder: string): Promise<DiskUse> {
  const first = await lstat(folder).catch(() => undefined);
  if (!first) return noDisk;
  const seen = new Set<number>();
  let bytes = first.blocks * 512;
  let inodes = 1;
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const entries = await opendir(next).catch(() => undefined);
    if (!entries) continue;
    for await (const entry of entries) {
      const file = path.join(next, entry.name);
      const found = await lstat(file).catch(() => undefined);
      // What another file system holds is not this folder's.
      if (!found || found.dev !== first.dev) continue;
      if (found.nlink > 1 && !found.isDirectory()) {
        if (seen.has(found.ino)) continue;
        seen.add(found.ino);
      }
      bytes += found.blocks * 512;
      inodes++;
      if (found.isDirectory()) waiting.push(file);
    }
  }
  return { bytes, inodes };
}
