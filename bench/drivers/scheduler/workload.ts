/** The cluster and the pods that schedulers are measured with. */
import type { Node, Pod } from "../../../src/model/kubernetes.ts";

export interface WorkloadParameters extends Readonly<Record<string, number>> {
  readonly nodes: number;
  readonly pods: number;
  readonly zones: number;
  /** Pods of one kind: one Deployment's. */
  readonly replicas: number;
}

export type PodKind = "plain" | "spread";

export const namespace = "default";
const creationTimestamp = "2026-01-01T00:00:00Z";
const capacity = { cpu: "32", memory: "64Gi", pods: "110" };

export function nodeOf(index: number, zones: number): Node {
  const name = `node-${index}`;
  const labels = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": `zone-${index % zones}` };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, uid: name, resourceVersion: "1", creationTimestamp, labels },
    spec: {},
    status: { allocatable: capacity, capacity },
  };
}

/** A pod of 100m and 128Mi; "spread" ones stay away from their own kind by host and are spread over zones. */
export function podOf(kind: PodKind, index: number, replicas: number): Pod {
  const name = `${kind}-${index}`;
  const labels = { app: `${kind}-${Math.floor(index / replicas)}` };
  const resources = { requests: { cpu: "100m", memory: "128Mi" } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, uid: name, resourceVersion: "1", generation: 1, creationTimestamp, labels },
    spec: { containers: [{ name: "main", image: "app:1", resources }], ...(kind === "spread" ? spread(labels) : {}) },
    status: { phase: "Pending" },
  };
}

function spread(
  matchLabels: Readonly<Record<string, string>>,
): Pick<Pod["spec"], "affinity" | "topologySpreadConstraints"> {
  const labelSelector = { matchLabels };
  const far = [{ labelSelector, topologyKey: "kubernetes.io/hostname" }];
  const near = [{ weight: 10, podAffinityTerm: { labelSelector, topologyKey: "topology.kubernetes.io/zone" } }];
  return {
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: far },
      podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: near },
    },
    topologySpreadConstraints: [
      { topologyKey: "topology.kubernetes.io/zone", maxSkew: 1, whenUnsatisfiable: "DoNotSchedule", labelSelector },
      { topologyKey: "kubernetes.io/hostname", maxSkew: 1, whenUnsatisfiable: "ScheduleAnyway", labelSelector },
    ],
  };
}
