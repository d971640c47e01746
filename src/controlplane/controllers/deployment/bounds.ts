/** How many pods a rollout may have too many and too few (pkg/controller/deployment/util). Pure. */
import type { Deployment, ReplicaSet } from "../../../model/kubernetes.ts";
import { scaled } from "../int_or_percent.ts";

export function sizeOf({ spec }: Pick<ReplicaSet | Deployment, "spec">): number {
  return spec.replicas ?? 1;
}

export function isRolling({ spec }: Deployment): boolean {
  return spec.strategy?.type !== "Recreate";
}

/**
 * Both at once: where rounding makes both nothing, one pod may lack, so that the rollout goes on; a surge
 * might fail for a quota (upstream's ResolveFenceposts).
 */
function bounds(deployment: Deployment): { readonly surge: number; readonly unavailable: number } {
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, sizeOf(deployment), true);
  const unavailable = scaled(maxUnavailable, sizeOf(deployment), false);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export function maxSurge(deployment: Deployment): number {
  return isRolling(deployment) ? bounds(deployment).surge : 0;
}

export function maxUnavailable(deployment: Deployment): number {
  const size = sizeOf(deployment);
  return isRolling(deployment) && size > 0 ? Math.min(bounds(deployment).unavailable, size) : 0;
}

const none = 2 ** 31 - 1;

export function hasProgressDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== none;
}

/** How many old ReplicaSets are kept; undefined: all. */
export function historyLimit({ spec }: Deployment): number | undefined {
  return spec.revisionHistoryLimit === none ? undefined : spec.revisionHistoryLimit;
}

export const totalSize = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, set) => sum + sizeOf(set), 0);

export const totalOf = (
  sets: readonly ReplicaSet[],
  field: "replicas" | "readyReplicas" | "availableReplicas",
): number => sets.reduce((sum, { status }) => sum + (status?.[field] ?? 0), 0);
