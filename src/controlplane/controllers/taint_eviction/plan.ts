/** When a pod leaves a node for its taints (upstream: pkg/controller/tainteviction). Pure. */
import type { Node, Pod } from "../../../model/kubernetes.ts";
import { tolerates, type Taint, type Toleration } from "../../../model/taints.ts";

/** When it was first seen that a pod is to leave, and when it leaves. */
export interface Departure {
  readonly sinceMs: number;
  readonly dueMs: number;
}

export function evictingTaints(node: Node | undefined): readonly Taint[] {
  return (node?.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");
}

/** @returns s that the pod may stay; undefined: for ever */
export function toleratedSeconds(tolerations: readonly Toleration[], taints: readonly Taint[]): number | undefined {
  const used: Toleration[] = [];
  for (const taint of taints) {
    const toleration = tolerations.find((one) => tolerates(one, taint));
    if (!toleration) return 0;
    used.push(toleration);
  }
  const bounds = used.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [tolerationSeconds]));
  return bounds.length === 0 ? undefined : Math.max(0, Math.min(...bounds));
}

/**
 * @param before what was planned already
 * @returns undefined where the pod stays
 */
export function planDeparture(
  pod: Pod,
  taints: readonly Taint[],
  before: Departure | undefined,
  nowMs: number,
): Departure | undefined {
  if (taints.length === 0) return undefined;
  const seconds = toleratedSeconds(pod.spec.tolerations ?? [], taints);
  if (seconds === undefined) return undefined;
  if (seconds === 0) return { sinceMs: nowMs, dueMs: nowMs };
  if (!before) return { sinceMs: nowMs, dueMs: nowMs + seconds * 1000 };
  // A taint that came later shortens the time that is left, and never lengthens it.
  const dueMs = before.sinceMs + seconds * 1000;
  return dueMs < before.dueMs ? { sinceMs: before.sinceMs, dueMs: Math.max(dueMs, nowMs) } : before;
}

export const disruptionCondition = {
  type: "DisruptionTarget",
  status: "True",
  reason: "DeletionByTaintManager",
  message: "Taint manager: deleting due to NoExecute taint",
} as const;
