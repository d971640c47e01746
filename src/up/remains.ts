/** What a container runtime and its pods leave when they are killed, found by the folders that are ours, and removed. */
import { readdirSync, readFileSync, rmSync, rmdirSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Instance } from "./instance.ts";
import { signal } from "./processes.ts";

const cgroupRoot = "/sys/fs/cgroup";
/** Where containerd's shims have their sockets, whosever they are. */
const shimSocketDir = "/run/containerd/s";
/** Where containerd's CNI library keeps results of ADD, whosever they are (libcni, CacheDir). */
const cniResultDir = "/var/lib/cni/results";
const endMs = 10_000;
const lookMs = 50;

/**
 * Ends every process of the runtime and of pods, and removes their control groups. Mounts are the caller's.
 *
 * @returns what is left
 */
export async function removeRemains(instance: Instance): Promise<readonly string[]> {
  const { containerd, name } = instance;
  for (const socket of shimSockets(containerd.state)) rmSync(socket, { force: true });
  for (const until = Date.now() + endMs; Date.now() < until; await sleep(lookMs)) {
    const shims = shimsOf(containerd.socket);
    const members = (await cgroupFolders(name)).flatMap(membersBelow);
    for (const pid of new Set([...shims.flatMap(descendants), ...shims, ...members])) signal(pid, "SIGKILL");
    if (shims.length === 0 && members.length === 0) break;
  }
  await removeControlGroups(name);
  // Ours alone, where nothing else is in it.
  for (const folder of [shimSocketDir, cniResultDir]) {
    for (const one of [folder, path.dirname(folder)]) removeIfEmpty(one);
  }
  return [...shimsOf(containerd.socket).map((pid) => `process ${pid}`), ...(await cgroupFolders(name))];
}

/** Those of this name, in every hierarchy, where no process is in them. */
export async function removeControlGroups(name: string): Promise<void> {
  for (const folder of await cgroupFolders(name)) await removeTree(folder);
}

/** Shims are told the socket of their containerd. */
function shimsOf(socket: string): readonly number[] {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const words = read(`/proc/${pid}/cmdline`).split("\0");
      return (words[0] ?? "").includes("containerd-shim") && words.includes(socket);
    });
}

function shimSockets(stateDir: string): readonly string[] {
  const tasks = path.join(stateDir, "io.containerd.runtime.v2.task/k8s.io");
  return list(tasks)
    .map((id) => read(path.join(tasks, id, "address")).trim())
    .filter((address) => address.startsWith(`unix://${shimSocketDir}/`))
    .map((address) => address.slice("unix://".length));
}

function descendants(pid: number): readonly number[] {
  const children = list(`/proc/${pid}/task`)
    .flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(" "))
    .filter((child) => child.trim() !== "")
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** In every hierarchy that is mounted, v1 or v2. */
async function cgroupFolders(name: string): Promise<readonly string[]> {
  const hierarchies = [cgroupRoot, ...list(cgroupRoot).map((entry) => path.join(cgroupRoot, entry))];
  const there = await Promise.all(
    hierarchies.map((root) =>
      readdir(path.join(root, name)).then(
        () => [path.join(root, name)],
        () => [],
      ),
    ),
  );
  return there.flat();
}

function membersBelow(folder: string): readonly number[] {
  const own = read(path.join(folder, "cgroup.procs")).split("\n").filter(Boolean).map(Number);
  return [...own, ...subfolders(folder).flatMap(membersBelow)];
}

async function removeTree(folder: string): Promise<void> {
  for (const inner of subfolders(folder)) await removeTree(inner);
  await rmdir(folder).catch(() => undefined);
}

function subfolders(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(folder, entry.name));
  } catch {
    return [];
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Somebody else's are in it, or it never was.
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
