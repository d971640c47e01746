import { idleDrivers, type IdleParameters } from "../drivers/pods/idle.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

/** Beside upstream's kubelet, where KUBELET names it: the kubelet alone is compared, the node's other parts are listed. */
export const nodeIdle: Scenario<IdleParameters> = {
  name: "node-idle",
  what: "a node at rest with probed pods (each HTTP; a third each HTTP, TCP and exec; every 10 s): processor and memory",
  figure: "cpu",
  better: "lower",
  parameters: { pods: 100, seconds: 30, settleSeconds: 20 },
  drivers: idleDrivers,
  compared: true,
  rounds: 1,
  warmUp: 0,
  precision: noisyRounds,
  targets: [
    { kind: "ratio", rival: "kubelet", atLeast: 2 },
    { kind: "bound", driver: "fairlead node", figure: "rss", atMost: 150 },
  ],
};
