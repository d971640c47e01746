/** hostPath and its types (pkg/volume/hostpath, HostPathType). */
import { mkdir, open, stat } from "node:fs/promises";
import type { Stats } from "node:fs";

const checks: Readonly<Record<string, readonly [(found: Stats) => boolean, string]>> = {
  Directory: [(found) => found.isDirectory(), "a directory"],
  File: [(found) => found.isFile(), "a file"],
  Socket: [(found) => found.isSocket(), "a socket file"],
  CharDevice: [(found) => found.isCharacterDevice(), "a character device"],
  BlockDevice: [(found) => found.isBlockDevice(), "a block device"],
};

/** @throws Error with upstream's words */
export async function prepareHostPath(path: string, type = ""): Promise<void> {
  if (type === "") return;
  const found = await stat(path).catch(() => undefined);
  if (!found && type === "DirectoryOrCreate") return void (await mkdir(path, { recursive: true, mode: 0o755 }));
  if (!found && type === "FileOrCreate") return void (await (await open(path, "a", 0o644)).close());
  const [holds, what] = checks[type.replace("OrCreate", "")] ?? [];
  if (!holds) throw new Error(`${type} is an invalid volume type`);
  if (!found || !holds(found)) throw new Error(`hostPath type check failed: ${path} is not ${what}`);
}
