/** Files that are never seen half written, and whether one is there. */
import { access, chown, mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

/** Of files that this process has written: two that write one do not take each other's. */
let written = 0;

/**
 * Beside its place, on disk, then renamed. A file that was there keeps its owner, and its mode where none is given.
 *
 * @param mode default: the one it has, else 0600
 */
export async function writeWhole(file: string, content: string | Uint8Array, mode?: number): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const before = await stat(file).catch(() => undefined);
  const beside = `${file}.${process.pid}.${++written}.new`;
  try {
    const handle = await open(beside, "w", 0o600);
    try {
      await handle.chmod(mode ?? (before ? before.mode & 0o7777 : 0o600));
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (before) await chown(beside, before.uid, before.gid);
    await rename(beside, file);
    await syncFolder(folder);
  } finally {
    await rm(beside, { force: true });
  }
}

/** The rename itself is on disk once the folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
