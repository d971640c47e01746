import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { repositoryRoot } from "./paths.ts";
import { quote } from "./quote.ts";
import { runInVm, type RunSpec } from "./run.ts";

/** What makes vitest start least slowly under emulation: one thread, one module graph for all files. */
const fast = ["--pool=threads", "--no-isolate", "--maxWorkers=1", "--no-file-parallelism"];

/**
 * Runs the files of the vitest project "vm" that match the patterns (all, without any) in the guest.
 * The results as JSON come back to the file that FAIRLEAD_TEST_RESULTS names, where it is set.
 */
export async function runVitestInVm(patterns: readonly string[], options: Omit<RunSpec, "script">): Promise<number> {
  const out = mkdtempSync(path.join(tmpdir(), "fairlead-vm-results."));
  const reporters = ["--reporter=default", "--reporter=json", "--outputFile.json=/vmout/results.json"];
  const vitest = ["node", "node_modules/vitest/vitest.mjs", "run", "--project", "vm", ...fast, ...reporters];
  const script = `exec ${[...vitest, ...patterns].map(quote).join(" ")}`;
  try {
    const { exitCode } = await runInVm({ ...options, script, env: colour(), cwd: repositoryRoot, outDirectory: out });
    keepResults(path.join(out, "results.json"), process.env["FAIRLEAD_TEST_RESULTS"]);
    return exitCode;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function keepResults(results: string, wanted: string | undefined): void {
  if (wanted !== undefined && existsSync(results)) cpSync(results, wanted);
}

/** The guest cannot see whether a terminal reads its output. */
function colour(): Record<string, string> {
  return process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
}
