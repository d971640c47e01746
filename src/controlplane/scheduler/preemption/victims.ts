/** The fewest and least important pods of one node that must go for a pod to fit (defaultpreemption SelectVictimsOnNode). */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import { changePod, checkWithNominated, type NamedFilter } from "../framework/filters.ts";
import { unresolvable, type Rejection } from "../framework/plugin.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { splitByBudgets } from "./budgets.ts";

export interface Candidate {
  readonly nodeName: string;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
  /** Victims that a budget would not have go. */
  readonly violations: number;
}

const noVictims = unresolvable("No preemption victims found for incoming pod");

export function selectVictims(
  pod: PodInfo,
  filters: readonly NamedFilter[],
  realNode: NodeInfo,
  cluster: Cluster,
): Candidate | Rejection {
  const lower = [...realNode.pods.values()].filter(({ priority }) => priority < pod.priority).sort(byImportance);
  if (lower.length === 0) return noVictims;
  const node = realNode.clone();
  const gone = new Set(lower);
  for (const victim of lower) changePod(filters, node, victim, -1);
  try {
    const rejected = checkWithNominated(filters, pod, node, cluster);
    if (rejected) return rejected.rejection;
    /** @returns whether it may stay */
    const reprieve = (victim: PodInfo): boolean => {
      changePod(filters, node, victim, 1);
      const fits = !checkWithNominated(filters, pod, node, cluster);
      if (fits) gone.delete(victim);
      else changePod(filters, node, victim, -1);
      return fits;
    };
    const { violating, others } = splitByBudgets(lower, (namespace) =>
      cluster.objects.podDisruptionBudgets.inNamespace(namespace),
    );
    let violations = 0;
    for (const victim of violating) if (!reprieve(victim)) violations++;
    for (const victim of others) reprieve(victim);
    return { nodeName: node.name, victims: lower.filter((victim) => gone.has(victim)), violations };
  } finally {
    // The filters' states are those of all nodes: as they were.
    for (const victim of gone) changePod(filters, node, victim, 1);
  }
}

/** Higher priority first, then who runs longer (pkg/scheduler/util MoreImportantPod). */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startedAt(a) - startedAt(b);
}

/** In ms; a pod that has not started is the newest. */
export function startedAt({ pod: { status } }: PodInfo): number {
  return status?.startTime === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(status.startTime);
}
