import { listDrivers, type ListParameters } from "../drivers/api/drivers.ts";
import { upstream } from "../drivers/api/upstream.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const apiList: Scenario<ListParameters> = {
  name: "api-list",
  what: "LIST of all pods over TLS: one client alone, then many at once",
  figure: "throughput",
  better: "higher",
  parameters: { pods: 10_000, clients: 64, lists: 128 },
  drivers: listDrivers,
  compared: true,
  rounds: 3,
  warmUp: 1,
  precision: noisyRounds,
  targets: [{ kind: "ratio", rival: upstream.name, atLeast: 3 }],
};
