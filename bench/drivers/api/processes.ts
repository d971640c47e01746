/** Processes: what they use, and how they end. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** Clock ticks a second of /proc/PID/stat: 100 on every Linux that node runs on. */
const ticksPerSecond = 100;

/** Resident memory, in MB (10^6 bytes). */
export function residentMegabytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} has ended`);
  return (Number(kib) * 1024) / 1e6;
}

/** Processor time of all its threads so far, in ms. */
export function cpuMs(pid: number): number {
  return sumOfTicks(pid, [11, 12]);
}

/** The same of programs that it ran, and that have ended. */
export function programsCpuMs(pid: number): number {
  return sumOfTicks(pid, [13, 14]);
}

/** @param fields of proc(5), counted from the state on */
function sumOfTicks(pid: number, fields: readonly [number, number]): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in parentheses, which may hold spaces.
  const values = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user, system] = fields;
  return ((Number(values[user]) + Number(values[system])) / ticksPerSecond) * 1000;
}

/** Kills it and waits for its end. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

/** Rejects when the process ends: for waiting on anything that it should do. */
export function endsEarly(child: ChildProcess, what: string): Promise<never> {
  return new Promise((_, reject) => {
    child.once("error", (cause) => reject(new Error(`cannot start ${what}: ${cause.message}`)));
    child.once("exit", (code, signal) => reject(new Error(`${what} ended with ${code ?? signal}`)));
  });
}
