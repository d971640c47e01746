import { podStartDrivers, type PodStartParameters } from "../drivers/pods/drivers.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

const common = {
  figure: "ready",
  better: "lower",
  drivers: podStartDrivers,
  compared: true,
  warmUp: 0,
  precision: noisyRounds,
} as const;

/** Beside upstream's kubelet, where KUBELET names it. */
export const podStartScenarios: readonly Scenario<PodStartParameters>[] = [
  {
    ...common,
    name: "pod-start",
    what: "one pod at a time, its image present: from its create until it is Ready, beside the same CRI calls alone",
    parameters: { starts: 15, pods: 1 },
    rounds: 5,
    targets: [
      { kind: "ratio", rival: "kubelet", atLeast: 1 / 0.8 },
      { kind: "bound", driver: "fairlead kubelet", figure: "over them", atMost: 25 },
    ],
  },
  ...[50, 100].map((pods): Scenario<PodStartParameters> => ({
    ...common,
    name: `pod-start-${pods}`,
    what: `${pods} pods at once: until all are Ready, beside the same CRI calls alone, as many at once`,
    parameters: { starts: 1, pods },
    rounds: 3,
    targets: [{ kind: "ratio", rival: "kubelet", atLeast: 1.43 }],
  })),
];
