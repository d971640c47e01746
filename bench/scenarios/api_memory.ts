import { memoryDrivers, type MemoryParameters } from "../drivers/api/drivers.ts";
import { upstream } from "../drivers/api/upstream.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const apiMemory: Scenario<MemoryParameters> = {
  name: "api-memory",
  what: "resident memory at rest once it has served, with Services and an EndpointSlice each, and after a burst of lists",
  figure: "rest",
  better: "lower",
  parameters: { services: 10_000, restSeconds: 15 },
  drivers: memoryDrivers,
  compared: true,
  rounds: 3,
  warmUp: 0,
  precision: noisyRounds,
  targets: [{ kind: "ratio", rival: upstream.name, atLeast: 3 }],
};
