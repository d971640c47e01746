/** Control-group hierarchies that are mounted: one with cgroup v2, one a controller with v1 (cgroups(7)). */
import { readFile } from "node:fs/promises";
import type { CgroupFile, CgroupVersion } from "./render.ts";

export type Controller = CgroupFile["controller"];

export interface Hierarchies {
  readonly version: CgroupVersion;
  /** Mount point by controller; with v2 the same for each. */
  readonly mounts: ReadonlyMap<Controller, string>;
  /** Every mount point: a group that is to be gone is gone from each. */
  readonly all: readonly string[];
}

const root = "/sys/fs/cgroup";
const controllers: readonly Controller[] = ["cpu", "memory", "pids", "hugetlb"];

export async function readHierarchies(): Promise<Hierarchies> {
  return hierarchiesOf(await readFile("/proc/self/mountinfo", "utf8"));
}

/** @param mountinfo proc_pid_mountinfo(5) */
export function hierarchiesOf(mountinfo: string): Hierarchies {
  const found = mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [type = "", , options = ""] = after.split(" ");
    const point = before.split(" ")[4] ?? "";
    const isOurs = point === root || point.startsWith(`${root}/`);
    return /^cgroup2?$/.test(type) && isOurs ? [{ type, point, options: options.split(",") }] : [];
  });
  const unified = found.find(({ type, point }) => type === "cgroup2" && point === root);
  const all = found.map(({ point }) => point);
  if (unified) return { version: 2, mounts: new Map(controllers.map((one) => [one, root])), all };
  const mounts = controllers.flatMap((one) => {
    const at = found.find(({ type, options }) => type === "cgroup" && options.includes(one));
    return at ? [[one, at.point] as const] : [];
  });
  return { version: 1, mounts: new Map(mounts), all };
}
