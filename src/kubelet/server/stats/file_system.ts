/** What a file system has, as statfs(2) tells it. */
import { statfs } from "node:fs/promises";
import type { FileSystem } from "./snapshot.ts";

export async function fileSystem(folder: string): Promise<FileSystem> {
  const { bavail, bfree, blocks, bsize, ffree, files } = await statfs(folder);
  return {
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodesFree: ffree,
    inodes: files,
  };
}
