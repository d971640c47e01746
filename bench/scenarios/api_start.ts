import { startDrivers, type StartParameters } from "../drivers/api/drivers.ts";
import { fairlead } from "../drivers/api/fairlead.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const apiStart: Scenario<StartParameters> = {
  name: "api-start",
  what: "first start on an empty store, certificates made anew: from the start of the process to /readyz",
  figure: "ready",
  better: "lower",
  parameters: {},
  drivers: startDrivers,
  compared: true,
  rounds: 5,
  warmUp: 1,
  precision: noisyRounds,
  targets: [{ kind: "bound", driver: fairlead.name, figure: "ready", atMost: 1500 }],
};
