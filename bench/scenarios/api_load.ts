import { loadDrivers, type LoadParameters } from "../drivers/api/drivers.ts";
import { fairlead } from "../drivers/api/fairlead.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

/** More than 600 writes a second are what 1,000 nodes with 30 pods each do at worst (sig-scalability, thresholds). */
export const apiLoad: Scenario<LoadParameters> = {
  name: "api-load",
  what: "a large cluster's writes at a steady rate over TLS (pods, bindings, statuses, leases), full lists beside",
  figure: "writes p99",
  better: "lower",
  parameters: { nodes: 1_000, pods: 30_000, clients: 64, rate: 600, seconds: 30, listEverySeconds: 5 },
  drivers: loadDrivers,
  compared: true,
  rounds: 1,
  warmUp: 0,
  precision: noisyRounds,
  targets: [
    { kind: "bound", driver: fairlead.name, figure: "writes p99", atMost: 1000 },
    { kind: "bound", driver: fairlead.name, figure: "list p99", atMost: 30_000 },
    { kind: "bound", driver: fairlead.name, figure: "server memory", atMost: 1288 },
  ],
};
