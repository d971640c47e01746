/** fsGroup: the group owns what is in a volume, and what will be made there (pkg/volume/volume_linux.go). */
import { chmod, lchown, lstat, readdir } from "node:fs/promises";
import path from "node:path";
import type { Pod } from "../../model/kubernetes.ts";

const groupOfFile = 0o660;
/** Setgid: what is made in it is the group's too. */
const groupOfFolder = 0o2770;

/** @param ifRootDiffers fsGroupChangePolicy OnRootMismatch: nothing is done where the folder itself is right */
export async function giveToGroup(folder: string, { spec }: Pod, ifRootDiffers = false): Promise<void> {
  const gid = spec.securityContext?.fsGroup;
  if (gid === undefined || (ifRootDiffers && (await isRight(folder, gid)))) return;
  await giveOne(folder, gid);
  await giveBelow(folder, gid);
}

async function isRight(folder: string, gid: number): Promise<boolean> {
  const found = await lstat(folder);
  return found.gid === gid && (found.mode & groupOfFolder) === groupOfFolder;
}

/** A folder at a time: a volume may hold more than is good to hold in mind. */
async function giveBelow(folder: string, gid: number): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    await giveOne(file, gid);
    if (entry.isDirectory()) await giveBelow(file, gid);
  }
}

async function giveOne(file: string, gid: number): Promise<void> {
  const { uid, mode, isLink, isFolder } = await lstat(file).then((found) => ({
    uid: found.uid,
    mode: found.mode & 0o7777,
    isLink: found.isSymbolicLink(),
    isFolder: found.isDirectory(),
  }));
  await lchown(file, uid, gid);
  if (!isLink) await chmod(file, mode | (isFolder ? groupOfFolder : groupOfFile));
}
