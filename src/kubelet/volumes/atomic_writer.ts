/**
 * Files that change all at once (pkg/volume/util/atomic_writer.go): they are in a folder of their own, `..data` links to
 * it, and the names that a container sees link through that. A new content is one rename of a link.
 */
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import path from "node:path";

export interface ProjectedFile {
  readonly content: Buffer;
  readonly mode: number;
  /** Whose it is; absent: root's. */
  readonly uid?: number;
}

/** By paths relative to the volume; none begins with "..". */
export type Payload = ReadonlyMap<string, ProjectedFile>;

export interface Owner {
  /** The group that all of it is given to. */
  readonly gid?: number;
}

const dataLink = "..data";

/** @returns whether anything was other than it is now */
export async function writeAtomically(folder: string, payload: Payload, owner: Owner = {}): Promise<boolean> {
  const before = await readlink(path.join(folder, dataLink)).catch(() => undefined);
  if (before !== undefined && (await isSame(path.join(folder, before), payload))) return false;
  const fresh = await mkdtemp(path.join(folder, `..${timeText()}.`));
  await chmod(fresh, 0o755);
  if (owner.gid !== undefined) await giveFolder(fresh, owner.gid);
  for (const [name, file] of payload) await writeOne(path.join(fresh, name), file, owner);
  await symlink(path.basename(fresh), path.join(folder, "..data_tmp"));
  await rename(path.join(folder, "..data_tmp"), path.join(folder, dataLink));
  await linkNames(folder, payload);
  if (before !== undefined) await rm(path.join(folder, before), { recursive: true, force: true });
  return true;
}

/** `2026_11_21_15_47_26`: upstream's name, which some tools know. */
function timeText(): string {
  return new Date().toISOString().slice(0, 19).replace(/[-T:]/g, "_");
}

async function giveFolder(folder: string, gid: number): Promise<void> {
  await chown(folder, 0, gid);
  await chmod(folder, 0o2755);
}

async function writeOne(file: string, { content, mode, uid = 0 }: ProjectedFile, { gid = 0 }: Owner): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  // Whoever reads it at its name finds it whole: the name comes later.
  if (uid !== 0 || gid !== 0) await chown(file, uid, gid);
  await chmod(file, mode);
}

async function isSame(folder: string, payload: Payload): Promise<boolean> {
  const present = await filesBelow(folder);
  if (present.length !== payload.size) return false;
  for (const name of present) {
    const wanted = payload.get(name);
    const file = path.join(folder, name);
    if (!wanted || !(await readFile(file)).equals(wanted.content)) return false;
    if (((await lstat(file)).mode & 0o7777) !== wanted.mode) return false;
  }
  return true;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

/** A link for each first part of a path; those of what is no longer there go. */
async function linkNames(folder: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((name) => name.split("/")[0]!));
  const present = (await readdir(folder)).filter((name) => !name.startsWith(".."));
  for (const name of present) if (!wanted.has(name)) await rm(path.join(folder, name));
  for (const name of wanted) {
    if (!present.includes(name)) await symlink(path.join(dataLink, name), path.join(folder, name));
  }
}
