/** What a control group uses (admin-guide/cgroup-v1/memory, admin-guide/cgroup-v2). */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { CgroupName } from "./names.ts";
import type { CgroupTree } from "./tree.ts";

export interface MemoryUse {
  /** What cannot be given back at once: usage without inactive file pages, as cAdvisor counts it. */
  readonly workingSetBytes: number;
  /** Infinity: none. */
  readonly limitBytes: number;
}

/** @returns undefined where there is no such group */
export async function memoryUse(tree: CgroupTree, name: CgroupName): Promise<MemoryUse | undefined> {
  const isV1 = tree.hierarchies.version === 1;
  const read = readerOf(tree, name, "memory");
  const [usage, limit, stat] = await Promise.all([
    read(isV1 ? "memory.usage_in_bytes" : "memory.current"),
    read(isV1 ? "memory.limit_in_bytes" : "memory.max"),
    read("memory.stat"),
  ]);
  if (usage === undefined) return undefined;
  const key = isV1 ? "total_inactive_file" : "inactive_file";
  const inactive = Number(new RegExp(`^${key} (\\d+)`, "m").exec(stat ?? "")?.[1] ?? 0);
  const bytes = Number(limit);
  // With v1 none is the largest multiple of a page.
  const limitBytes = Number.isFinite(bytes) && bytes < 2 ** 62 ? bytes : Infinity;
  return { workingSetBytes: Math.max(0, Number(usage) - inactive), limitBytes };
}

export async function processCount(tree: CgroupTree, name: CgroupName): Promise<number> {
  return Number((await readerOf(tree, name, "pids")("pids.current")) ?? 0);
}

function readerOf(tree: CgroupTree, name: CgroupName, controller: "memory" | "pids") {
  const mount = tree.hierarchies.mounts.get(controller);
  return async (file: string): Promise<string | undefined> => {
    if (mount === undefined) return undefined;
    const text = await readFile(path.join(mount, tree.literal(name), file), "utf8").catch(() => undefined);
    return text?.trim();
  };
}
