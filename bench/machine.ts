/** The machine a result was measured on: without it a figure says nothing. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import type { Machine } from "./result.ts";

export function describeMachine(loadBefore: number): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    versions: versions(),
    load: { before: loadBefore, after: currentLoad() },
  };
}

/** Over the last minute. */
export function currentLoad(): number {
  return loadavg()[0] ?? 0;
}

function versions(): Record<string, string> {
  return {
    fairlead: commit(),
    node: process.version,
    nft: firstWord(output("nft", "--version"), /v([\d.]+)/),
    ip: firstWord(output("ip", "-V"), /iproute2-([\w.]+)/),
  };
}

/** The commit that is checked out where the run was started. */
function commit(): string {
  const id = output("git", "rev-parse", "--short=12", "HEAD");
  if (!id) return "none";
  return output("git", "status", "--porcelain", "--untracked-files=no") ? `${id}+changes` : id;
}

function firstWord(text: string, pattern: RegExp): string {
  return pattern.exec(text)?.[1] ?? "none";
}

/** What a program prints, or nothing where it is absent or fails. */
function output(program: string, ...args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}
