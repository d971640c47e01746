/** What a scenario says: data, no steps. */
import type { Driver, Parameters } from "./driver.ts";
import type { Precision } from "./statistics.ts";

export interface Scenario<P extends Parameters = Parameters> {
  /** As given on the command line. */
  readonly name: string;
  /** What is measured, in a line. */
  readonly what: string;
  /** The figure that is compared; each driver gives it. */
  readonly figure: string;
  readonly better: "lower" | "higher";
  /** Defaults, each changed by `--set name=value`. */
  readonly parameters: P;
  /** Of each parameter that is a word: what it may be. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
  readonly drivers: readonly Driver<P>[];
  /** Whether the first driver is compared with each other one. Drivers of unlike things are only listed. */
  readonly compared: boolean;
  readonly rounds: number;
  /** Rounds before, whose figures are kept apart: the JIT compiles, caches fill. */
  readonly warmUp: number;
  readonly precision: Precision;
  readonly targets: readonly Target[];
}

/** What must hold, checked with `--check`. */
export type Target = TargetKind & {
  /** Parameters that it is a target of; of others it says nothing. */
  readonly where?: Parameters;
};

type TargetKind =
  /** The first driver is at least this many times better than the rival. */
  | { readonly kind: "ratio"; readonly rival: string; readonly atLeast: number }
  /** No difference between the first driver and the rival: what A/A runs are for. */
  | { readonly kind: "same"; readonly rival: string }
  /** The median of a driver's figure. */
  | { readonly kind: "figure"; readonly driver: string; readonly figure: string; readonly atLeast: number }
  /** The same where less is better. */
  | { readonly kind: "bound"; readonly driver: string; readonly figure: string; readonly atMost: number };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a list holds scenarios of any parameters
export type AnyScenario = Scenario<any>;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the drivers of such a scenario
export type AnyDriver = Driver<any>;

/** Rounds of a shared machine: 99 %, so that one A/A run in a hundred at most sees a difference. */
export const noisyRounds: Precision = { kind: "rounds", confidence: 0.99 };
