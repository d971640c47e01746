/** Runs a scenario: its drivers interleaved, round by round, each round from nothing. */
import { messageOf } from "../src/errors/message.ts";
import { Cleanup, type Figure, type Measurement, type Parameters } from "./driver.ts";
import { roundOrders, seeded } from "./random.ts";
import type { Comparison, DriverResult, FigureResult, ScenarioResult, TargetResult } from "./result.ts";
import type { AnyDriver, AnyScenario, Target } from "./scenario.ts";
import { judge, summarize } from "./statistics.ts";

export interface MeasureOptions {
  readonly rounds: number;
  readonly warmUp: number;
  readonly seed: number;
  readonly parameters: Parameters;
  /** Only the first driver and those whose name contains this. */
  readonly filter?: string;
  readonly onRound?: (done: number, of: number) => void;
  /** Stops before the next driver; what is prepared is cleaned up. */
  readonly signal?: AbortSignal;
  /** Brings the process to rest before a measurement. */
  readonly settle?: () => void;
}

/** A driver did not do what it is measured for. */
export class BenchFailure extends Error {
  override readonly name = "BenchFailure";
}

/**
 * @throws BenchFailure when a driver fails, leaves out the figure or brings about something else than another
 */
export async function measureScenario(scenario: AnyScenario, options: MeasureOptions): Promise<ScenarioResult> {
  const chosen = choose(scenario, options.filter);
  const present = chosen.filter((driver) => driver.missing?.(options.parameters) === undefined);
  const rounds = await measureRounds(scenario, present, options);
  checkOutcomes(scenario, rounds);
  const drivers = chosen.map((driver) => driverResult(driver, rounds.get(driver), options));
  const comparisons = scenario.compared ? compareDrivers(scenario, drivers) : [];
  return {
    scenario: scenario.name,
    what: scenario.what,
    figure: scenario.figure,
    better: scenario.better,
    parameters: options.parameters,
    seed: options.seed,
    rounds: options.rounds,
    warmUp: options.warmUp,
    precision: scenario.precision,
    drivers,
    comparisons,
    targets: targetsOf(scenario, options.parameters).map((target) => targetResult(target, drivers, comparisons)),
  };
}

function targetsOf({ targets }: AnyScenario, parameters: Parameters): readonly Target[] {
  return targets.filter(({ where = {} }) => Object.entries(where).every(([name, value]) => parameters[name] === value));
}

function choose(scenario: AnyScenario, filter: string | undefined): readonly AnyDriver[] {
  if (filter === undefined) return scenario.drivers;
  return scenario.drivers.filter((driver, i) => (scenario.compared && i === 0) || driver.name.includes(filter));
}

type Rounds = Map<AnyDriver, Measurement[]>;

async function measureRounds(
  scenario: AnyScenario,
  drivers: readonly AnyDriver[],
  options: MeasureOptions,
): Promise<Rounds> {
  const rounds: Rounds = new Map(drivers.map((driver) => [driver, []]));
  if (drivers.length === 0) return rounds;
  const shared = new Cleanup();
  try {
    for (const driver of drivers) await driver.once?.(options.parameters, shared);
    await measureInTurn(scenario, drivers, rounds, options);
  } finally {
    await shared.run();
  }
  return rounds;
}

async function measureInTurn(
  scenario: AnyScenario,
  drivers: readonly AnyDriver[],
  rounds: Rounds,
  options: MeasureOptions,
): Promise<void> {
  const orders = roundOrders(drivers, seeded(options.seed));
  const count = options.warmUp + options.rounds;
  for (let round = 0; round < count; round++) {
    for (const driver of orders.next().value) {
      if (options.signal?.aborted) throw new BenchFailure(`${scenario.name} was stopped in round ${round}`);
      rounds.get(driver)!.push(await measureOnce(scenario, driver, options));
    }
    options.onRound?.(round + 1, count);
  }
}

async function measureOnce(scenario: AnyScenario, driver: AnyDriver, options: MeasureOptions): Promise<Measurement> {
  const cleanup = new Cleanup();
  try {
    const measure = await driver.prepare(options.parameters, cleanup);
    options.settle?.();
    const measurement = await measure();
    if (!measurement.figures[scenario.figure]) throw new Error(`it gave no figure "${scenario.figure}"`);
    return measurement;
  } catch (cause) {
    const reason = messageOf(cause);
    throw new BenchFailure(`cannot measure ${driver.name} in ${scenario.name}: ${reason}`, { cause });
  } finally {
    await cleanup.run();
  }
}

function checkOutcomes(scenario: AnyScenario, rounds: Rounds): void {
  let first: { driver: AnyDriver; outcome: string } | undefined;
  for (const [driver, measurements] of rounds) {
    for (const { outcome } of measurements) {
      if (outcome === undefined) continue;
      first ??= { driver, outcome };
      if (outcome === first.outcome || !scenario.compared) continue;
      throw new BenchFailure(
        `cannot compare in ${scenario.name}: ${driver.name} brought about "${outcome}", ` +
          `${first.driver.name} "${first.outcome}"`,
      );
    }
  }
}

function driverResult(
  driver: AnyDriver,
  rounds: Measurement[] | undefined,
  { warmUp, parameters }: MeasureOptions,
): DriverResult {
  const { name, what } = driver;
  const last = rounds?.at(-1);
  if (!rounds || !last) return { name, what, missing: driver.missing?.(parameters) ?? "nothing was measured" };
  const figures: Record<string, FigureResult> = {};
  for (const [figure, { unit }] of Object.entries(last.figures)) {
    figures[figure] = figureResult(
      rounds.map((round) => round.figures[figure]),
      unit,
      warmUp,
    );
  }
  return { name, what, outcome: last.outcome ?? null, figures };
}

function figureResult(readings: readonly (Figure | undefined)[], unit: string, warmUp: number): FigureResult {
  const all = readings.map((reading) => reading?.value ?? Number.NaN);
  const values = all.slice(warmUp);
  return { unit, summary: summarize(values), values, warmUp: all.slice(0, warmUp) };
}

function compareDrivers(scenario: AnyScenario, drivers: readonly DriverResult[]): Comparison[] {
  const [subject, ...rivals] = drivers;
  const ours = subject && valuesOf(subject, scenario.figure);
  if (!ours) return [];
  return rivals.flatMap((rival) => {
    const theirs = valuesOf(rival, scenario.figure);
    if (!theirs) return [];
    const ratios = ours.map((value, i) => (scenario.better === "lower" ? theirs[i]! / value : value / theirs[i]!));
    return [{ subject: subject.name, rival: rival.name, ...judge(ratios, scenario.precision), ratios }];
  });
}

function valuesOf(driver: DriverResult, figure: string): readonly number[] | undefined {
  return "figures" in driver ? driver.figures[figure]?.values : undefined;
}

function targetResult(
  target: Target,
  drivers: readonly DriverResult[],
  comparisons: readonly Comparison[],
): TargetResult {
  if (target.kind === "figure" || target.kind === "bound") {
    const driver = drivers.find(({ name }) => name === target.driver);
    const value = driver && "figures" in driver ? driver.figures[target.figure]?.summary.median : undefined;
    if (value === undefined) return { target, value: null, met: null };
    return { target, value, met: target.kind === "figure" ? value >= target.atLeast : value <= target.atMost };
  }
  const comparison = comparisons.find(({ rival }) => rival === target.rival);
  return { target, value: comparison?.ratio ?? null, met: comparison ? comparisonMeets(target, comparison) : null };
}

/** Too few rounds say nothing of a difference. */
function comparisonMeets(
  target: Exclude<Target, { kind: "figure" | "bound" }>,
  { ratio, verdict }: Comparison,
): boolean | null {
  if (target.kind === "ratio") return ratio >= target.atLeast;
  return verdict === "too few rounds" ? null : verdict === "no difference";
}
