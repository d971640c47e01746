/** What a benchmark measures with: one driver a system measured (ours, a rival, a kernel path). */

export interface Figure {
  readonly value: number;
  /** "ms", "1/s", "instructions", … */
  readonly unit: string;
}

export interface Measurement {
  /** By name; the scenario says which of them is compared. */
  readonly figures: Readonly<Record<string, Figure>>;
  /**
   * What was brought about, as observed in the kernel afterwards, in a form that is equal where it
   * is the same. All drivers of a scenario must agree on it: a fast load of something else is no load.
   */
  readonly outcome?: string;
}

/** Measures once. Whatever is not to be measured belongs into `prepare` or behind the last reading of the clock. */
export type Measure = () => Promise<Measurement>;

/** @typeParam P the parameters it takes, by name */
export interface Driver<P extends Parameters = Parameters> {
  /** Unique in a scenario; what a row of the report is called. */
  readonly name: string;
  /** What is measured, in a line. */
  readonly what: string;
  /** Why it cannot run here ("KUBE_PROXY is not set"); undefined when it can. Never a failure of the run. */
  missing?(parameters: P): string | undefined;
  /**
   * Makes what takes long and what no measurement changes, before the first round; it goes behind the last.
   */
  once?(parameters: P, cleanup: Cleanup): Promise<void>;
  /**
   * Makes what it needs, from nothing, in a namespace of its own; called anew for each round. Each
   * thing that it makes is handed to `cleanup` at once, so that it goes even when a later step fails.
   */
  prepare(parameters: P, cleanup: Cleanup): Promise<Measure>;
}

/** Sizes, and words that a scenario has choices of. */
export type Parameters = Readonly<Record<string, number | string>>;

/** Undoes what was made, last first, whatever of it fails. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** @throws AggregateError of all that failed, after every step has run */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `cannot clean up: ${failures.map(String).join("; ")}`);
  }
}
