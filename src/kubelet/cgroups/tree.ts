/** Control groups as the kernel has them: made, bounded, emptied, removed. */
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { Hierarchies } from "./hierarchies.ts";
import type { CgroupLimits } from "./limits.ts";
import { literalName, type CgroupDriver, type CgroupName } from "./names.ts";
import { cgroupFiles, type CgroupFile } from "./render.ts";
import type { SliceMaker } from "./systemd.ts";

/** How long processes that were killed may take to be gone, in ms, and between two looks. */
const endTimeoutMs = 5000;
const lookMs = 20;

export type CgroupOperation = "create" | "update" | "destroy";
export type CgroupObserver = (operation: CgroupOperation, seconds: number) => void;

export class CgroupTree {
  readonly hierarchies: Hierarchies;
  readonly driver: CgroupDriver;
  readonly #clock: Clock;
  readonly #slices: SliceMaker | undefined;
  readonly #onChanged: CgroupObserver | undefined;

  /** @param slices with driver systemd: its groups are made by asking it */
  constructor(
    hierarchies: Hierarchies,
    driver: CgroupDriver,
    clock: Clock,
    slices?: SliceMaker,
    onChanged?: CgroupObserver,
  ) {
    this.hierarchies = hierarchies;
    this.driver = driver;
    this.#clock = clock;
    this.#slices = slices;
    this.#onChanged = onChanged;
  }

  literal(name: CgroupName): string {
    return literalName(name, this.driver);
  }

  /** Its folders in the hierarchies that bound something. */
  folders(name: CgroupName): readonly string[] {
    return [...new Set(this.hierarchies.mounts.values())].map((mount) => path.join(mount, this.literal(name)));
  }

  async exists(name: CgroupName): Promise<boolean> {
    const found = await Promise.all(this.folders(name).map((folder) => stat(folder).catch(() => undefined)));
    return found.every((folder) => folder !== undefined);
  }

  /** Makes it where it is not, and bounds it. Idempotent. */
  async apply(name: CgroupName, limits: CgroupLimits): Promise<void> {
    const beganMs = performance.now();
    let isNew = false;
    try {
      // Of systemd it is not told whether it had it already; its folder does.
      isNew = this.#slices !== undefined && this.#onChanged !== undefined && !(await this.exists(name));
      await this.#slices?.make(name, limits);
      const made = await Promise.all(this.folders(name).map((folder) => mkdir(folder, { recursive: true })));
      isNew ||= made.some((folder) => folder !== undefined);
      if (this.hierarchies.version === 2) await this.#delegate(name);
      await this.#write(name, limits);
    } catch (cause) {
      throw new FairleadError("CGROUP", { subject: this.literal(name), cause });
    } finally {
      this.#tell(isNew ? "create" : "update", beganMs);
    }
  }

  /** Kills what is in it, and removes it from every hierarchy. Idempotent. */
  async remove(name: CgroupName): Promise<void> {
    if (name.length === 0) return;
    const literal = this.literal(name);
    const folders = this.hierarchies.all.map((mount) => path.join(mount, literal));
    const untilMs = this.#clock.now() + endTimeoutMs;
    const beganMs = performance.now();
    if (!(await anyIsThere(folders))) return this.#slices?.remove(name);
    for (;;) {
      const left = await removeTrees(folders);
      if (left.length === 0) break;
      if (this.#clock.now() >= untilMs)
        throw new FairleadError("CGROUP", { subject: left[0]!, reason: "it is in use" });
      await Promise.all(left.map(killAll));
      await new Promise<void>((resolve) => this.#clock.after(lookMs, resolve));
    }
    await this.#slices?.remove(name);
    this.#tell("destroy", beganMs);
  }

  /** Names of the groups right below. */
  async below(name: CgroupName): Promise<readonly string[]> {
    const lists = await Promise.all(
      this.hierarchies.all.map((mount) => subfolders(path.join(mount, this.literal(name)))),
    );
    return [...new Set(lists.flat())];
  }

  #tell(operation: CgroupOperation, beganMs: number): void {
    this.#onChanged?.(operation, (performance.now() - beganMs) / 1000);
  }

  /** With v2 a group has only those controllers that all above it give to what is below them. */
  async #delegate(name: CgroupName): Promise<void> {
    const mount = this.hierarchies.mounts.values().next().value!;
    const parts = this.literal(name).split("/").slice(1, -1);
    for (let depth = 0; depth <= parts.length; depth++) {
      const folder = path.join(mount, ...parts.slice(0, depth));
      const wanted = new Set(this.hierarchies.mounts.keys());
      const has = (await read(path.join(folder, "cgroup.controllers"))).trim().split(/\s+/);
      const gives = (await read(path.join(folder, "cgroup.subtree_control"))).trim().split(/\s+/);
      const lacking = has.filter((one) => wanted.has(one as never) && !gives.includes(one));
      if (lacking.length === 0) continue;
      await writeFile(path.join(folder, "cgroup.subtree_control"), lacking.map((one) => `+${one}`).join(" "));
    }
  }

  async #write(name: CgroupName, limits: CgroupLimits): Promise<void> {
    const files = cgroupFiles(limits, this.hierarchies.version);
    await Promise.all(
      [...this.hierarchies.mounts].map(([controller, mount]) =>
        writeInOrder(
          path.join(mount, this.literal(name)),
          files.filter((file) => file.controller === controller),
        ),
      ),
    );
  }
}

async function writeInOrder(folder: string, files: readonly CgroupFile[]): Promise<void> {
  for (const { controller, file, value } of files) {
    const target = path.join(folder, file);
    // A kernel without this size of page, or v2 without the controller: there is nothing to bound.
    if (controller === "hugetlb" && !(await stat(target).catch(() => undefined))) continue;
    await writeFile(target, value);
  }
}

async function anyIsThere(folders: readonly string[]): Promise<boolean> {
  const found = await Promise.all(folders.map((folder) => stat(folder).catch(() => undefined)));
  return found.some((folder) => folder !== undefined);
}

async function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

async function subfolders(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** @returns those that could not be removed yet */
async function removeTrees(folders: readonly string[]): Promise<readonly string[]> {
  const done = await Promise.all(folders.map(removeTree));
  return folders.filter((_, i) => !done[i]);
}

async function removeTree(folder: string): Promise<boolean> {
  for (const name of await subfolders(folder)) if (!(await removeTree(path.join(folder, name)))) return false;
  try {
    await rmdir(folder);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "EBUSY") return false;
    throw new FairleadError("CGROUP", { subject: folder, cause });
  }
}

/** With cgroup.kill (Linux 5.14) where it is, which no fork outruns; one by one otherwise. */
async function killAll(folder: string): Promise<void> {
  const killed = await writeFile(path.join(folder, "cgroup.kill"), "1").then(
    () => true,
    () => false,
  );
  if (killed) return;
  // Nothing that is in it may fork faster than it is killed.
  await writeFile(path.join(folder, "pids.max"), "0").catch(() => undefined);
  for (const name of await subfolders(folder)) await killAll(path.join(folder, name));
  for (const pid of (await read(path.join(folder, "cgroup.procs"))).split("\n")) {
    if (Number(pid) > 1) kill(Number(pid));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
