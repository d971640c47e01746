/** Which nodes count for a constraint of topology spread, and the pods that it counts. */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import type { NodeCounts } from "../cluster/pod_counts.ts";
import type { PodInfo } from "../model/pod_info.ts";
import type { SpreadConstraint } from "../model/spread.ts";
import { isKeptAway } from "../../../model/taints.ts";

export function hasAllKeys({ labels }: NodeInfo, constraints: readonly SpreadConstraint[]): boolean {
  for (const { topologyKey } of constraints) if (labels[topologyKey] === undefined) return false;
  return true;
}

/** By the constraint's policies (KEP-3094). */
export function isDomain(node: NodeInfo, constraint: SpreadConstraint, pod: PodInfo): boolean {
  if (constraint.honorsAffinity && pod.requiredNodes?.(node) === false) return false;
  return !constraint.honorsTaints || !isKeptAway(node.taints, pod.tolerations);
}

/** Pods of the pod's namespace that the constraint selects, by node; those that are being deleted do not count. */
export function spreadCounts(
  { selectorKey, matches, hook }: SpreadConstraint,
  { namespace }: PodInfo,
  cluster: Cluster,
): NodeCounts {
  return cluster.podCounts.of({
    key: `spread ${namespace} ${selectorKey}`,
    parts: [{ namespaces: new Set([namespace]), matches, hook }],
    withTerminating: false,
  });
}
