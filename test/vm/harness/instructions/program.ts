import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { withLock } from "../lock.ts";
import { cacheRoot, repositoryRoot } from "../paths.ts";
import { runTool } from "../tool.ts";

const source = path.join(repositoryRoot, "test/vm/harness/instructions/connections.c");

/** The workload's program, compiled at its first use: static, so that its own instructions are the same everywhere. */
export async function ensureProgram(): Promise<string> {
  const key = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const program = path.join(cacheRoot(), `connections-${key}`);
  if (!existsSync(program)) await withLock(path.join(cacheRoot(), "lock"), () => compile(program));
  return program;
}

async function compile(program: string): Promise<void> {
  if (existsSync(program)) return;
  await runTool("WORKLOAD", "gcc", ["-O2", "-Wall", "-Wextra", "-static", "-o", `${program}.part`, source]);
  renameSync(`${program}.part`, program);
}
