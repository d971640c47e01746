/** How many processes this node may have, and has (pkg/kubelet/stats/pidlimit). */
import { readFile } from "node:fs/promises";

export interface PidUse {
  readonly most: number;
  readonly running: number;
}

export async function readPids(): Promise<PidUse> {
  const [pidMax, threadsMax, load] = await Promise.all([
    readFile("/proc/sys/kernel/pid_max", "utf8"),
    readFile("/proc/sys/kernel/threads-max", "utf8"),
    readFile("/proc/loadavg", "utf8"),
  ]);
  // "0.20 0.18 0.12 1/80 11206": those that exist are behind the stroke.
  const running = Number(/\/(\d+)/.exec(load)?.[1] ?? 0);
  return { most: Math.min(Number(pidMax), Number(threadsMax)), running };
}
