/** Files that are never seen half written, and whether one is there. */
import { access, chown, mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

/**
 * Beside its place, on disk, then renamed. A file that was there keeps its owner, and its mode where none is given.
 *
 * @param mode default: the one it has, else 0600
 */
export async function writeWhole(file: string, text: string, mode?: number): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const before = await stat(file).catch(() => undefined);
  const beside = `${file}.${process.pid}.new`;
  try {
    const handle = await open(beside, "w", 0o600);
    try {
      await handle.chmod(mode ?? (before ? before.mode & 0o7777 : 0o600));
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (before) await chown(beside, before.uid, before.gid);
    await rename(beside, file);
  } finally {
    await rm(beside, { force: true });
  }
}

export function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
