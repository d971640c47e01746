/** Micro-benchmarks: benny finds how often a function must run to be timed, the frame does the rounds. */
import { add, suite } from "benny";
import type { Driver, Measurement } from "../driver.ts";
import { median } from "../statistics.ts";

export interface MicroCase {
  readonly name: string;
  readonly what: string;
  /** Things that one call handles: the rate counts things. */
  readonly items: number;
  /** Makes the function that is measured. */
  readonly make: () => () => unknown;
}

/** Seconds of one round; the rounds of the frame make up for its shortness. */
const limits = { minTime: 0.02, maxTime: 0.15, minSamples: 5 } as const;

export function microDriver({ name, what, items, make }: MicroCase): Driver {
  return {
    name,
    what,
    prepare: async () => {
      const work = make();
      return () => measure(name, items, work);
    },
  };
}

async function measure(name: string, items: number, work: () => unknown): Promise<Measurement> {
  // benny takes a function that returns one for a case with a set-up.
  const summary = await silently(() =>
    suite(
      name,
      add(name, () => work, limits),
    ),
  );
  const seconds = median(summary.results[0]!.details.sampleResults);
  return { figures: { rate: { value: items / seconds, unit: "1/s" } } };
}

/* eslint-disable no-console -- benny announces each suite on the standard output, which is the report's. */
async function silently<T>(run: () => Promise<T>): Promise<T> {
  const log = console.log;
  console.log = () => {};
  try {
    return await run();
  } finally {
    console.log = log;
  }
}
/* eslint-enable no-console */
