import { fairleadKubelet, floor, type PodStartParameters } from "../drivers/pods/drivers.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const podStart: Scenario<PodStartParameters> = {
  name: "pod-start",
  what: "one pod at a time, its image present: from its create until it is Ready, beside the same CRI calls alone",
  figure: "ready",
  better: "lower",
  parameters: { pods: 11 },
  drivers: [fairleadKubelet, floor],
  compared: true,
  rounds: 5,
  warmUp: 1,
  precision: noisyRounds,
  targets: [],
};
