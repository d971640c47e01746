/** Drivers whose clock is a seeded simulation of a noisy machine: tests of statistics need no real one. */
import type { Driver } from "../../../bench/driver.ts";
import { seeded, type Random } from "../../../bench/random.ts";
import { noisyRounds, type Scenario } from "../../../bench/scenario.ts";

/** What a shared machine does to times: it drifts, it jitters by 5 %, and one time in seven something else runs. */
export function noisyClock(seed: number): (milliseconds: number) => number {
  const random = seeded(seed);
  let drift = 0;
  return (milliseconds) => {
    drift = 0.9 * drift + 0.05 * normal(random);
    const disturbed = random() < 1 / 7 ? 1 + 2 * random() : 1;
    return milliseconds * Math.exp(drift + 0.05 * normal(random)) * disturbed;
  };
}

/** Box-Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function simulatedDriver(name: string, milliseconds: number, clock: (ms: number) => number): Driver {
  return {
    name,
    what: `${milliseconds} ms of simulated work`,
    prepare: async () => async () => ({ figures: { time: { value: clock(milliseconds), unit: "ms" } } }),
  };
}

export function simulatedScenario(drivers: readonly Driver[], overrides: Partial<Scenario> = {}): Scenario {
  return {
    name: "simulated",
    what: "simulated work",
    figure: "time",
    better: "lower",
    parameters: { elements: 10 },
    drivers,
    compared: true,
    rounds: 40,
    warmUp: 2,
    precision: noisyRounds,
    targets: [],
    ...overrides,
  };
}
