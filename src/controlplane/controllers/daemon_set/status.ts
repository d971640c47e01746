/** A DaemonSet's status (pkg/controller/daemon updateDaemonSetStatus). Pure. */
import type { DaemonSet, Node } from "../../../model/kubernetes.ts";
import { isAvailable, isReady } from "../pods/state.ts";
import type { NodeRule } from "./nodes.ts";
import { isUpdated, oldestFirst, type PodsByNode } from "./pods.ts";

export type DaemonSetStatus = NonNullable<DaemonSet["status"]>;

const counts = [
  "desiredNumberScheduled",
  "currentNumberScheduled",
  "numberMisscheduled",
  "numberReady",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "observedGeneration",
] as const;

type Counts = Record<(typeof counts)[number], number>;

export function statusOf(
  set: DaemonSet,
  nodes: readonly Node[],
  pods: PodsByNode,
  rule: NodeRule,
  hash: string,
  nowMs: number,
): DaemonSetStatus {
  const count = Object.fromEntries(counts.map((name) => [name, 0])) as Counts;
  for (const node of nodes) {
    const there = pods.get(node.metadata.name) ?? [];
    if (!rule(node).shouldRun) {
      if (there.length > 0) count.numberMisscheduled++;
      continue;
    }
    count.desiredNumberScheduled++;
    const [pod] = [...there].sort(oldestFirst);
    if (!pod) continue;
    count.currentNumberScheduled++;
    if (isReady(pod)) count.numberReady++;
    if (isAvailable(pod, set.spec.minReadySeconds, nowMs)) count.numberAvailable++;
    if (isUpdated(pod, set, hash)) count.updatedNumberScheduled++;
  }
  count.numberUnavailable = count.desiredNumberScheduled - count.numberAvailable;
  count.observedGeneration = set.metadata.generation ?? 0;
  return { ...set.status, ...count };
}

/** Whether two statuses count the same; a server leaves zeros out. */
export function sameStatus(a: DaemonSetStatus | undefined, b: DaemonSetStatus): boolean {
  return counts.every((name) => (a?.[name] ?? 0) === (b[name] ?? 0)) && a?.collisionCount === b.collisionCount;
}
