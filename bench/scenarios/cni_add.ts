import { bridgeCni } from "../drivers/cni/bridge.ts";
import { fairleadCni } from "../drivers/cni/fairlead.ts";
import type { CniParameters } from "../drivers/cni/plan.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const cniAdd: Scenario<CniParameters> = {
  name: "cni-add",
  what: "add pods to the network and delete them, each call from its process's start to its end",
  figure: "add p50",
  better: "lower",
  parameters: { pods: 200, atOnce: 10 },
  drivers: [fairleadCni, bridgeCni],
  compared: true,
  rounds: 8,
  warmUp: 1,
  precision: noisyRounds,
  targets: [
    { kind: "ratio", rival: bridgeCni.name, atLeast: 3 },
    { kind: "bound", driver: fairleadCni.name, figure: "add p99", atMost: 10 },
  ],
};
