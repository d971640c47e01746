/** Runs one part of the tests: its output streams through, its time is bounded, its results are counted. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { countCheck, countVitest, describeFailures, type Counts, type Ending, type VitestReport } from "./counts.ts";
import { vitestProgram, type Part } from "./parts.ts";

export interface PartResult extends Counts {
  readonly name: string;
  readonly seconds: number;
  /** A paragraph each. */
  readonly failures: readonly string[];
}

/** Time from SIGTERM, by which a part may clean up, to SIGKILL. */
const graceMs = 10_000;

export async function runPart(part: Part): Promise<PartResult> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "fairlead-results-"));
  const results = path.join(folder, "results.json");
  const startedMs = performance.now();
  try {
    const status = await run(part, results);
    const report = part.counts === "vitest" ? readReport(results) : undefined;
    const counts = part.counts === "check" ? countCheck({ status }) : countVitest({ status, report });
    const failures = report ? describeFailures(report) : [];
    return { name: part.name, seconds: (performance.now() - startedMs) / 1000, failures, ...counts };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A part has a process group of its own, so that its bound ends whatever it has started. */
function run(part: Part, results: string): Promise<Ending["status"]> {
  const [program, ...args] = part.argv;
  const report = part.argv.includes(vitestProgram)
    ? ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`]
    : [];
  return new Promise((resolve) => {
    const child = spawn(program, [...args, ...report], {
      stdio: ["ignore", "inherit", "inherit"],
      // The virtual machine's harness has no option for it: it copies its results to the file of this name.
      env: { ...process.env, ...part.env, FAIRLEAD_TEST_RESULTS: results },
      detached: true,
    });
    const stop = bound(child, part);
    child.on("error", (error) => {
      stop();
      process.stdout.write(`test: ${part.name}: cannot start ${program}: ${error.message}\n`);
      resolve(null);
    });
    child.on("close", (status) => {
      stop();
      resolve(status);
    });
  });
}

/** Ends the part's processes past its time, or when the whole run is interrupted. Returns what calls this off. */
function bound(child: ChildProcess, { name, timeoutMs }: Part): () => void {
  let killer: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(child, "SIGTERM");
    killer = setTimeout(() => {
      signalGroup(child, "SIGKILL");
    }, graceMs);
  };
  const timer = setTimeout(() => {
    process.stdout.write(`test: ${name} has not ended in ${timeoutMs / 1000} s: it is killed\n`);
    end();
  }, timeoutMs);
  const interrupt = (): void => {
    process.exitCode = 130;
    end();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  return () => {
    clearTimeout(timer);
    clearTimeout(killer);
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.removeListener(signal, interrupt);
  };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readReport(file: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as VitestReport;
  } catch {
    return undefined; // The part ended before it had results; that is a failure, counted as one.
  }
}
