/**
 * The JSON that `--json` writes. A reader checks `schema` first; a change that breaks readers counts
 * its number up.
 */
import type { Figure, Parameters } from "./driver.ts";
import type { Target } from "./scenario.ts";
import type { Precision, Ratio, Summary } from "./statistics.ts";

export const resultSchema = "fairlead-bench/1";

export interface BenchResult {
  readonly schema: typeof resultSchema;
  /** ISO 8601, when the run began. */
  readonly startedAt: string;
  readonly machine: Machine;
  readonly scenarios: readonly ScenarioResult[];
}

export interface Machine {
  /** CPU model as the kernel names it. */
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** node, fairlead (commit, "+changes" when files differ from it), nft, ip; "none" where a program is absent. */
  readonly versions: Readonly<Record<string, string>>;
  /** Load average over one minute, before the first round and behind the last. */
  readonly load: { readonly before: number; readonly after: number };
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly what: string;
  readonly figure: string;
  readonly better: "lower" | "higher";
  readonly parameters: Parameters;
  readonly seed: number;
  readonly rounds: number;
  readonly warmUp: number;
  readonly precision: Precision;
  readonly drivers: readonly DriverResult[];
  /** The first driver against each other one that was measured. */
  readonly comparisons: readonly Comparison[];
  readonly targets: readonly TargetResult[];
}

export type DriverResult =
  | { readonly name: string; readonly what: string; readonly missing: string }
  | {
      readonly name: string;
      readonly what: string;
      readonly outcome: string | null;
      readonly figures: Readonly<Record<string, FigureResult>>;
    };

export interface FigureResult {
  readonly unit: Figure["unit"];
  readonly summary: Summary;
  /** One a round, in order. */
  readonly values: readonly number[];
  /** One a warm-up round: the first is what a cold start costs. */
  readonly warmUp: readonly number[];
}

/** How many times better `subject` is than `rival`: above 1 is better, whichever way the figure counts. */
export interface Comparison extends Ratio {
  readonly subject: string;
  readonly rival: string;
  /** One a round, in order. */
  readonly ratios: readonly number[];
}

export interface TargetResult {
  readonly target: Target;
  /** null when the rival is not given: nothing was checked. */
  readonly value: number | null;
  readonly met: boolean | null;
}
