/** What a file system has, as statfs(2) tells it. */
import { statfs } from "node:fs/promises";
import type { ImageService } from "../cri/runtime.ts";

export interface FileSystem {
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly inodesFree: number;
  readonly inodes: number;
}

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

/** Where the runtime has its images; undefined: it does not say. */
export async function imageFolder(runtime: Pick<ImageService, "imageFilesystems">): Promise<string | undefined> {
  const [first] = await runtime.imageFilesystems();
  return first?.fsId?.mountpoint;
}
