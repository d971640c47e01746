import { clusterDrivers, type ClusterParameters } from "../drivers/cluster/drivers.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

/** The size that Kubernetes 1.2 announced, with its promises: 99 % of calls under 1 s, 99 % of pods running within 5 s. */
export const clusterScale: Scenario<ClusterParameters> = {
  name: "cluster-scale",
  what: "Deployments that fill a cluster of hollow nodes, through controllers and scheduler",
  figure: "pods",
  better: "higher",
  parameters: { nodes: 1000, pods: 30_000, podsPerDeployment: 100, rate: 110, probes: 20 },
  drivers: clusterDrivers,
  compared: true,
  rounds: 1,
  warmUp: 0,
  precision: noisyRounds,
  targets: [
    { kind: "figure", driver: "fairlead", figure: "pods", atLeast: 100 },
    { kind: "bound", driver: "fairlead", figure: "to running p99", atMost: 5000 },
    { kind: "bound", driver: "fairlead", figure: "call p99", atMost: 1000 },
    { kind: "bound", driver: "fairlead", figure: "full list", atMost: 30_000 },
    // 1.2 GiB
    { kind: "bound", driver: "fairlead", figure: "server memory", atMost: 1288 },
  ],
};
