import {
  conntrackAlone,
  direct,
  kubeProxyShape,
  kubeProxyShapes,
  ourChains,
  ourTable,
  ourTables,
  type ConnectParameters,
} from "../drivers/proxy/connect.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const proxyConnect: Scenario<ConnectParameters> = {
  name: "proxy-connect",
  what: "new TCP connections to a Service a second of processor time, by how many Services there are, against direct ones",
  figure: "rate",
  better: "higher",
  parameters: { services: 30_000, connections: 100, batches: 50 },
  drivers: [ourTable, direct, conntrackAlone, ...ourTables, kubeProxyShape, ...kubeProxyShapes, ...ourChains],
  compared: true,
  rounds: 40,
  warmUp: 2,
  precision: noisyRounds,
  targets: [
    { kind: "ratio", rival: direct.name, atLeast: 0.82 },
    // Flat, whatever the number of Services.
    ...ourTables.map(({ name }) => ({ kind: "ratio", rival: name, atLeast: 0.95 }) as const),
    // Not below; two in a hundred are what placement in memory makes.
    { kind: "ratio", rival: kubeProxyShape.name, atLeast: 0.98 },
  ],
};
