/** From a command line to a report. */
import { writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { currentLoad, describeMachine } from "./machine.ts";
import { BenchFailure, measureScenario } from "./measure.ts";
import { parseOptions, usage, UsageError, type Options } from "./options.ts";
import { reportText } from "./report.ts";
import { resultSchema, type BenchResult, type ScenarioResult } from "./result.ts";
import type { AnyScenario } from "./scenario.ts";
import { scenarios as allScenarios } from "./scenarios/index.ts";

export interface Streams {
  readonly out: (text: string) => void;
  /** Progress and errors. */
  readonly err: (text: string) => void;
  readonly signal?: AbortSignal;
}

export const exitCode = { measured: 0, targetMissed: 1, usage: 2, failed: 3 } as const;

/** @returns the process's exit code, see {@link exitCode} */
export async function main(
  argv: readonly string[],
  streams: Streams,
  known: readonly AnyScenario[] = allScenarios,
): Promise<number> {
  try {
    const options = parseOptions(argv, known);
    if (options.help) streams.out(usage);
    else if (options.list) streams.out(listText(known));
    else return await runAll(options, streams);
    return exitCode.measured;
  } catch (error) {
    if (error instanceof UsageError) streams.err(`bench: ${error.message}\n(--help says more)\n`);
    else if (error instanceof BenchFailure) streams.err(`bench: ${error.message}\n`);
    else throw error;
    return error instanceof UsageError ? exitCode.usage : exitCode.failed;
  }
}

function listText(known: readonly AnyScenario[]): string {
  const width = Math.max(...known.map(({ name }) => name.length));
  return known.map(({ name, what }) => `${name.padEnd(width)}  ${what}\n`).join("");
}

async function runAll(options: Options, streams: Streams): Promise<number> {
  if (options.json !== undefined && options.json !== "-") write(options.json, "");
  const startedAt = new Date().toISOString();
  const loadBefore = currentLoad();
  const results: ScenarioResult[] = [];
  for (const scenario of options.scenarios) results.push(await runOne(scenario, options, streams));
  const machine = describeMachine(loadBefore);
  publish({ schema: resultSchema, startedAt, machine, scenarios: results }, options, streams);
  const missed = results.some(({ targets }) => targets.some(({ met }) => met === false));
  return options.check && missed ? exitCode.targetMissed : exitCode.measured;
}

function runOne(scenario: AnyScenario, options: Options, streams: Streams): Promise<ScenarioResult> {
  return measureScenario(scenario, {
    rounds: options.rounds ?? scenario.rounds,
    warmUp: options.warmUp ?? scenario.warmUp,
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
    parameters: { ...(scenario.parameters as Options["set"]), ...options.set },
    onRound: (done, of) => streams.err(`\r${scenario.name}: round ${done} of ${of}${done === of ? "\n" : ""}`),
    settle: collectGarbage,
    ...(options.filter === undefined ? {} : { filter: options.filter }),
    ...(streams.signal ? { signal: streams.signal } : {}),
  });
}

function publish(result: BenchResult, options: Options, { out, err }: Streams): void {
  const json = JSON.stringify(result, null, 2) + "\n";
  if (options.json === "-") return out(json);
  out(reportText(result));
  if (options.json === undefined) return;
  write(options.json, json);
  err(`written to ${options.json}\n`);
}

/** Also tried before the run: a result that cannot be written is better refused than lost. */
function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new UsageError(`--json ${file}: ${(cause as Error).message}`, { cause });
  }
}

let collect: ((options: { type: "minor" }) => void) | undefined;

/**
 * So that no driver pays for what another has just thrown away. The young generation only: a full
 * collection discards compiled code with it, and what is measured next runs half as fast.
 */
function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as typeof collect;
  }
  collect?.({ type: "minor" });
}
