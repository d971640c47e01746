/** The command line. */
import { parseArgs } from "node:util";
import { messageOf } from "../src/errors/message.ts";
import type { Parameters } from "./driver.ts";
import type { AnyScenario } from "./scenario.ts";

/** A mistake on the command line; its message names the flag or the scenario. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Options {
  readonly scenarios: readonly AnyScenario[];
  readonly list: boolean;
  readonly help: boolean;
  readonly check: boolean;
  readonly rounds: number | undefined;
  readonly warmUp: number | undefined;
  readonly seed: number | undefined;
  readonly filter: string | undefined;
  readonly json: string | undefined;
  readonly set: Parameters;
}

export const usage = `usage: npm run bench -- SCENARIO... [flags]

  --list            the scenarios and what they measure
  --rounds N        measured rounds (default: the scenario's)
  --warm-up N       rounds before them, kept apart
  --seed N          of the order within rounds (default: chosen, and printed)
  --set NAME=VALUE  a parameter of the scenario, several times
  --filter TEXT     only drivers whose name contains TEXT; the first of a comparison always runs
  --json FILE       also write the result as JSON ("-": to the standard output, instead of the table)
  --check           exit code 1 when a target is missed
`;

const flags = {
  list: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
  check: { type: "boolean", default: false },
  rounds: { type: "string" },
  "warm-up": { type: "string" },
  seed: { type: "string" },
  filter: { type: "string" },
  json: { type: "string" },
  set: { type: "string", multiple: true },
} as const;

/** @throws UsageError */
export function parseOptions(argv: readonly string[], known: readonly AnyScenario[]): Options {
  const { values, positionals } = parse(argv);
  if (positionals.length === 0 && !values.list && !values.help) {
    throw new UsageError(`no scenario is named: give one of ${names(known)}`);
  }
  const scenarios = positionals.map((name) => find(name, known));
  return {
    scenarios,
    list: values.list,
    help: values.help,
    check: values.check,
    rounds: whole("--rounds", values.rounds, 1, 100_000),
    warmUp: whole("--warm-up", values["warm-up"], 0, 100_000),
    seed: whole("--seed", values.seed, 0, 2 ** 32 - 1),
    filter: values.filter,
    json: values.json,
    set: settings(values.set ?? [], scenarios),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
}

function find(name: string, known: readonly AnyScenario[]): AnyScenario {
  const scenario = known.find((candidate) => candidate.name === name);
  if (!scenario) throw new UsageError(`no scenario is called "${name}": there are ${names(known)}`);
  return scenario;
}

function names(scenarios: readonly AnyScenario[]): string {
  return scenarios.map(({ name }) => name).join(", ");
}

function whole(flag: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${flag} takes a whole number from ${min} to ${max}, not "${text}"`);
  }
  return value;
}

function settings(texts: readonly string[], scenarios: readonly AnyScenario[]): Parameters {
  const set: Record<string, number | string> = {};
  for (const text of texts) {
    const [name = "", value] = text.split("=", 2);
    if (value === undefined) throw new UsageError(`--set takes NAME=VALUE, not "${text}"`);
    for (const scenario of scenarios) set[name] = setting(name, value, scenario);
  }
  return set;
}

function setting(name: string, value: string, { name: scenario, parameters, choices }: AnyScenario): number | string {
  const known = Object.keys(parameters as Parameters);
  if (!known.includes(name)) {
    throw new UsageError(`--set ${name}: ${scenario} has the parameters ${known.join(", ") || "(none)"}`);
  }
  const words = choices?.[name];
  if (!words) return whole(`--set ${name}`, value, 1, 10_000_000)!;
  if (!words.includes(value)) throw new UsageError(`--set ${name} takes one of ${words.join(", ")}, not "${value}"`);
  return value;
}
