/** Control groups of pods: where they are in each hierarchy, and their removal. */
import { readdir, readFile, rmdir } from "node:fs/promises";
import path from "node:path";
import { FairleadError } from "../../errors/catalogue.ts";

const root = "/sys/fs/cgroup";

/** The hierarchies that are mounted: one with cgroup v2, one a controller with v1. */
export async function cgroupHierarchies(): Promise<readonly string[]> {
  const table = await readFile("/proc/self/mountinfo", "utf8");
  const points = table.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    return /^cgroup2? /.test(after) ? [before.split(" ")[4]!] : [];
  });
  return points.filter((point) => point === root || point.startsWith(`${root}/`));
}

/** @param cgroup "/kubepods/pod…", or a slice where systemd keeps them, which it removes by itself */
export async function removeCgroups(cgroup: string): Promise<void> {
  if (!cgroup.startsWith("/") || cgroup === "/") return;
  for (const hierarchy of await cgroupHierarchies()) await removeTree(path.join(hierarchy, cgroup));
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (!entries) return;
  for (const entry of entries) if (entry.isDirectory()) await removeTree(path.join(folder, entry.name));
  try {
    await rmdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ENOENT") throw new FairleadError("VOLUME", { subject: folder, cause });
  }
}
