import { alone, onServer, spreadAlone } from "../drivers/scheduler/drivers.ts";
import type { WorkloadParameters } from "../drivers/scheduler/workload.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const scheduler: Scenario<WorkloadParameters> = {
  name: "scheduler",
  what: "pods that wait, until all have a node",
  figure: "rate",
  better: "higher",
  parameters: { nodes: 1000, pods: 5000, zones: 3, replicas: 100 },
  drivers: [alone, spreadAlone, onServer],
  compared: false,
  rounds: 5,
  warmUp: 1,
  precision: noisyRounds,
  targets: [
    { kind: "figure", driver: alone.name, figure: "rate", atLeast: 1000 },
    { kind: "figure", driver: spreadAlone.name, figure: "rate", atLeast: 100 },
  ],
};
