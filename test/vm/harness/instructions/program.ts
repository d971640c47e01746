import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import path from "node:path";
import { withLock } from "../lock.ts";
import { cacheRoot, repositoryRoot } from "../paths.ts";
import { runTool } from "../tool.ts";

const folder = path.join(repositoryRoot, "test/vm/harness/instructions");

/**
 * A program of this folder, compiled at its first use: static, so that its own instructions are the same everywhere.
 *
 * @param name default: the workload's
 */
export async function ensureProgram(name: "connections" | "nft_batch" = "connections"): Promise<string> {
  const source = path.join(folder, `${name}.c`);
  const key = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const program = path.join(cacheRoot(), `${name}-${key}`);
  if (!existsSync(program)) await withLock(path.join(cacheRoot(), "lock"), () => compile(source, program));
  return program;
}

async function compile(source: string, program: string): Promise<void> {
  if (existsSync(program)) return;
  await runTool("WORKLOAD", "gcc", ["-O2", "-Wall", "-Wextra", "-static", "-o", `${program}.part`, source]);
  renameSync(`${program}.part`, program);
}
