/** A whole cluster on one machine: how long it takes to come, and what it takes while nobody asks anything of it. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { UpCluster } from "../../../test/fixtures/up_cluster.ts";
import { environment, launcher } from "../../../test/fixtures/fairlead_server.ts";
import type { Driver, Figure, Measurement } from "../../driver.ts";
import { cpuMs, residentMegabytes } from "../api/processes.ts";

export interface UpParameters {
  readonly [name: string]: number;
  /** Between the demonstration's end and the first look, in ms. */
  readonly settleMs: number;
  /** Over which the processor's share is measured, in ms. */
  readonly idleMs: number;
}

interface Status {
  readonly parts: readonly { readonly name: string; readonly process?: { readonly pid: number } }[];
  readonly supervisor?: { readonly pid: number };
}

export const fairleadUp: Driver<UpParameters> = {
  name: "fairlead up",
  what: "up --demo on an empty data directory, in a network namespace of its own; then nobody asks anything",
  missing: () => (existsSync("/usr/bin/containerd") ? undefined : "containerd is not installed"),
  prepare({ settleMs, idleMs }, cleanup) {
    const cluster = new UpCluster();
    cleanup.add(() => cluster.stop());
    return Promise.resolve(async () => {
      const reachedMs = await timedSteps(cluster);
      await sleep(settleMs);
      const idle = await idleFigures(cluster, idleMs);
      const ms = (step: string): Figure => ({ value: reachedMs(step), unit: "ms" });
      return { figures: { ready: ms("node"), demo: ms("demo: balance"), ...idle } };
    });
  },
};

/** @returns from the start of the launcher to the end of a step, in ms */
async function timedSteps(cluster: UpCluster): Promise<(step: string) => number> {
  const flags = ["--demo", "--detach", "--json", "--data-dir", cluster.dataDir, "--kubeconfig", cluster.kubeconfig];
  const [program, ...words] = cluster.inside([launcher, "up", ...flags, "--node-name", "up-1"]);
  const began = performance.now();
  const child = spawn(program, words, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const reached = new Map<string, number>();
  for await (const line of createInterface(child.stdout)) {
    const { step } = JSON.parse(line) as { step?: string };
    if (step !== undefined) reached.set(step, performance.now() - began);
  }
  return (step) => {
    const ms = reached.get(step);
    if (ms === undefined) throw new Error(`up has not come to '${step}'`);
    return ms;
  };
}

/** Of our own processes: containerd is listed beside them, pods and their shims are not. */
async function idleFigures(cluster: UpCluster, idleMs: number): Promise<Measurement["figures"]> {
  const { parts, supervisor } = JSON.parse((await cluster.fairlead("status", "--json")).stdout) as Status;
  const pids = new Map(parts.map(({ name, process }) => [name, process!.pid]));
  const containerd = pids.get("containerd")!;
  pids.delete("containerd");
  pids.set("up", supervisor!.pid);
  const own = [...pids.values()];
  const sum = (of: (pid: number) => number): number => own.reduce((total, pid) => total + of(pid), 0);
  const before = sum(cpuMs);
  const containerdBefore = cpuMs(containerd);
  await sleep(idleMs);
  const share = (usedMs: number): Figure => ({ value: (usedMs / idleMs) * 100, unit: "%" });
  const megabytes = (value: number): Figure => ({ value, unit: "MB" });
  return {
    "idle cpu": share(sum(cpuMs) - before),
    "idle rss": megabytes(sum(residentMegabytes)),
    "idle pss": megabytes(sum(proportionalMegabytes)),
    ...Object.fromEntries([...pids].map(([name, pid]) => [`${name} rss`, megabytes(residentMegabytes(pid))])),
    "containerd cpu": share(cpuMs(containerd) - containerdBefore),
    "containerd rss": megabytes(residentMegabytes(containerd)),
  };
}

/** What is shared counts in parts (proc_pid_smaps_rollup), in MB (10^6 bytes). */
function proportionalMegabytes(pid: number): number {
  const kib = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
  return (Number(kib) * 1024) / 1e6;
}
