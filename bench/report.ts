/** Results as text for a terminal. Pure. */
import type {
  BenchResult,
  Comparison,
  DriverResult,
  FigureResult,
  Machine,
  ScenarioResult,
  TargetResult,
} from "./result.ts";
import type { Target } from "./scenario.ts";
import type { Precision } from "./statistics.ts";
import { factor, number, table, type Align } from "./table.ts";

/** The whole run. */
export function reportText(result: BenchResult): string {
  const parts = [...result.scenarios.map(scenarioText), machineText(result.machine, result.startedAt)];
  return parts.join("\n\n") + "\n";
}

function scenarioText(result: ScenarioResult): string {
  const lines = [`${result.scenario}: ${result.what}`, indent(conditions(result)), ""];
  lines.push(...figureTable(result).map(indent));
  const outcome = result.drivers.map((driver) => ("figures" in driver ? driver.outcome : null)).find((one) => one);
  if (outcome && result.comparisons.length > 0) lines.push(indent(`each brought about: ${outcome}`));
  for (const driver of result.drivers) if ("missing" in driver) lines.push(indent(notGiven(driver)));
  const verdicts = [...result.comparisons.map((c) => comparisonText(c, result)), ...result.targets.map(targetText)];
  if (verdicts.length > 0) lines.push("", ...verdicts.map(indent));
  return lines.join("\n");
}

function indent(line: string): string {
  return line && `  ${line}`;
}

function conditions(result: ScenarioResult): string {
  const parameters = Object.entries(result.parameters).map(
    ([name, value]) => `${name} ${value.toLocaleString("en-US")}`,
  );
  const rounds = `${result.rounds} rounds after ${result.warmUp} of warm-up`;
  return [...parameters, rounds, `seed ${result.seed}`].join(" · ");
}

const columns: readonly Align[] = ["left", "left", "right", "right", "right", "right", "right", "left"];
const heading = ["driver", "figure", "median", "half of rounds", "min", "max", "first", "unit"];

function figureTable(result: ScenarioResult): string[] {
  const rows = result.drivers.flatMap((driver) => driverRows(driver, result.figure));
  return rows.length === 0 ? [] : table([heading, ...rows], columns);
}

function driverRows(driver: DriverResult, compared: string): string[][] {
  if (!("figures" in driver)) return [];
  const names = Object.keys(driver.figures).sort((a, b) => Number(b === compared) - Number(a === compared));
  return names.map((name, i) => [i === 0 ? driver.name : "", name, ...figureCells(driver.figures[name]!)]);
}

function figureCells({ summary, warmUp, values, unit }: FigureResult): string[] {
  const { median, q1, q3, min, max } = summary;
  const first = warmUp[0] ?? values[0] ?? Number.NaN;
  return [number(median), `${number(q1)} – ${number(q3)}`, number(min), number(max), number(first), unit];
}

function notGiven(driver: { name: string; missing: string }): string {
  return `${driver.name}: not given (${driver.missing})`;
}

const verdictText = {
  better: "better",
  worse: "worse",
  "no difference": "no difference",
  "too few rounds": "too few rounds to tell a difference",
} as const;

function comparisonText(comparison: Comparison, { figure, better, precision }: ScenarioResult): string {
  const { subject, rival, ratio, low, high, verdict } = comparison;
  const way = better === "lower" ? `${rival} / ${subject}` : `${subject} / ${rival}`;
  const spread = `${intervalName(precision, comparison)} ${factor(low)} – ${factor(high)}`;
  return `${figure}, ${way}: ${factor(ratio)}× (${spread}): ${verdictText[verdict]}`;
}

function intervalName(precision: Precision, { verdict, coverage }: Comparison): string {
  if (precision.kind === "repeatable") return `repeatable to ${precision.within * 100} %:`;
  return verdict === "too few rounds" ? "range" : `${(coverage * 100).toFixed(1)} % interval`;
}

function targetText({ target, value, met }: TargetResult): string {
  const what = `target ${targetName(target)}`;
  if (met === null || value === null) return `${what}: not checked`;
  return `${what}: ${met ? "met" : "MISSED"} (${factor(value)})`;
}

function targetName(target: Target): string {
  switch (target.kind) {
    case "ratio":
      return `at least ${target.atLeast}× against ${target.rival}`;
    case "same":
      return `no difference to ${target.rival}`;
    case "bound":
      return `${target.figure} of ${target.driver} at most ${target.atMost.toLocaleString("en-US")}`;
    case "figure":
      return `${target.figure} of ${target.driver} at least ${target.atLeast.toLocaleString("en-US")}`;
  }
}

function machineText(machine: Machine, startedAt: string): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const memory = `${number(machine.memoryBytes / 2 ** 30)} GiB`;
  const load = `${machine.load.before.toFixed(2)} before, ${machine.load.after.toFixed(2)} after`;
  return [
    `machine   ${machine.cpu}, ${machine.cores} cores, ${memory}`,
    `kernel    ${machine.kernel}`,
    `versions  ${versions.join(", ")}`,
    `load      ${load} (begun ${startedAt})`,
  ].join("\n");
}
