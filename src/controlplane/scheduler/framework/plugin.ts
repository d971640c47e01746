/**
 * What decides about nodes, one plugin a rule, with upstream's names (pkg/scheduler/framework interface). Where upstream
 * has PreFilter and a state that Filter reads, a plugin here makes, once a cycle, the filter of one pod.
 */
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import type { PodInfo } from "../model/pod_info.ts";
import type { ClusterEvent } from "./events.ts";
import type { VolumeStep } from "./volume_steps.ts";

export interface Rejection {
  /** Unresolvable: no pod that goes makes this node fit. */
  readonly code: "Unschedulable" | "UnschedulableAndUnresolvable";
  readonly reasons: readonly string[];
}

export function unschedulable(...reasons: string[]): Rejection {
  return { code: "Unschedulable", reasons };
}

export function unresolvable(...reasons: string[]): Rejection {
  return { code: "UnschedulableAndUnresolvable", reasons };
}

/** One plugin's filter of one pod, for one cycle. */
export interface NodeFilter {
  /** @returns why the pod cannot be there; undefined: it can */
  check(node: NodeInfo): Rejection | undefined;
  /** No other node can fit. */
  readonly nodeNames?: ReadonlySet<string>;
  /** As if another pod were on a node, or not there: tried out by preemption and for nominated pods, and undone. */
  change?(node: NodeInfo, pod: PodInfo, by: 1 | -1): void;
  /** What must be done before the pod is bound to the node that was chosen. */
  volumeSteps?(node: NodeInfo): readonly VolumeStep[];
}

/** One plugin's scores of one pod's nodes. */
export interface NodeScorer {
  score(node: NodeInfo): number;
  /** Brings scores to 0…100, in place; absent: they are. */
  normalize?(scores: Float64Array, nodes: readonly NodeInfo[]): void;
}

export interface Plugin {
  readonly name: string;
  /** @returns the pod's filter; undefined: nothing to check; or why no node can fit */
  filter?(pod: PodInfo, cluster: Cluster): NodeFilter | Rejection | undefined;
  /** Of the score in the sum; default 1. */
  readonly weight?: number;
  /** @returns undefined: no node is better than another */
  score?(pod: PodInfo, cluster: Cluster, nodes: readonly NodeInfo[]): NodeScorer | undefined;
  /** Whether a pod that this plugin rejected could fit after an event (upstream's queueing hint). */
  helps?(event: ClusterEvent, pod: PodInfo, cluster: Cluster): boolean;
}

export const maxScore = 100;

/** Scales the highest to 100. @param reverse the lowest is best */
export function normalizeToMax(scores: Float64Array, reverse: boolean): void {
  let max = 0;
  for (const score of scores) if (score > max) max = score;
  for (let i = 0; i < scores.length; i++) {
    const scaled = max === 0 ? 0 : Math.floor((maxScore * scores[i]!) / max);
    scores[i] = reverse ? maxScore - scaled : scaled;
  }
}
