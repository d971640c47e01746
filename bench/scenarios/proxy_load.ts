import { fairleadTable, kubeProxyShape, type LoadParameters } from "../drivers/proxy/load.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

/** The kernel's part and ours of a first sync and of a change; proxy-sync has the agent whole. */
export const proxyLoad: Scenario<LoadParameters> = {
  name: "proxy-load",
  what: "all Services of a cluster into an empty namespace, then single changes",
  figure: "load",
  better: "lower",
  parameters: { services: 10_000, endpoints: 4, changes: 20 },
  drivers: [fairleadTable, kubeProxyShape],
  compared: true,
  rounds: 3,
  warmUp: 1,
  precision: noisyRounds,
  targets: [
    { kind: "ratio", rival: kubeProxyShape.name, atLeast: 10 },
    { kind: "bound", driver: fairleadTable.name, figure: "change", atMost: 3 },
  ],
};
