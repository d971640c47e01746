import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/** The repository, found upwards from here: this file runs from `test/` and from `dist/test/`. */
export const repositoryRoot = findRoot(import.meta.dirname);

/** The scripts and lists that make the guest's image; they are not compiled, so they stay in the sources. */
export const imageSources = path.join(repositoryRoot, "test/vm/harness/image");

/** Kernels, initial RAM disks and snapshots: `${XDG_CACHE_HOME:-$HOME/.cache}/fairlead/vm`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(env["XDG_CACHE_HOME"] || path.join(env["HOME"] ?? homedir(), ".cache"), "fairlead/vm");
}

function findRoot(from: string): string {
  if (existsSync(path.join(from, "package-lock.json"))) return from;
  const parent = path.dirname(from);
  if (parent === from) throw new Error("cannot find the repository's root: no package-lock.json above this file");
  return findRoot(parent);
}
