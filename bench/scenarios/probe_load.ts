import { probeDrivers, type ProbeParameters } from "../drivers/pods/probes.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const probeLoad: Scenario<ProbeParameters> = {
  name: "probe-load",
  what: "500 probes a second: the processor time of who asks",
  figure: "cpu",
  better: "lower",
  parameters: { probes: 500, seconds: 10 },
  drivers: probeDrivers,
  compared: false,
  rounds: 3,
  warmUp: 0,
  precision: noisyRounds,
  targets: [],
};
