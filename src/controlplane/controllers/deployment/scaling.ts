/**
 * A deployment of another size, during a rollout too: each ReplicaSet gets its share, so that no more of the
 * new and no less of the old is risked than before (pkg/controller/deployment/sync.go scale). Pure.
 */
import type { Deployment, ReplicaSet } from "../../../model/kubernetes.ts";
import { isRolling, maxSurge, sizeOf, totalSize } from "./bounds.ts";
import {
  activeOrLatest,
  allOf,
  isActiveSet,
  largerThenNewerFirst,
  largerThenOlderFirst,
  type Sets,
} from "./replica_sets.ts";
import { desiredReplicas, maxReplicas } from "./revisions.ts";
import { resizeTo, scaleTo, type Step } from "./steps.ts";

/** Whether the deployment's size changed since its active ReplicaSets were told of it. */
export function isScaling(deployment: Deployment, sets: Sets): boolean {
  return allOf(sets)
    .filter(isActiveSet)
    .some((set) => {
      const desired = desiredReplicas(set);
      return desired !== undefined && desired !== sizeOf(deployment);
    });
}

export function scalePlan(deployment: Deployment, sets: Sets): readonly Step[] {
  const only = activeOrLatest(sets);
  if (only) return resizeTo(deployment, only, sizeOf(deployment));
  if (isSaturated(deployment, sets.newest)) {
    return sets.old.filter(isActiveSet).flatMap((set) => resizeTo(deployment, set, 0));
  }
  return isRolling(deployment) ? proportional(deployment, allOf(sets).filter(isActiveSet)) : [];
}

function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  if (!set) return false;
  const size = sizeOf(deployment);
  return sizeOf(set) === size && desiredReplicas(set) === size && (set.status?.availableReplicas ?? 0) === size;
}

function proportional(deployment: Deployment, active: readonly ReplicaSet[]): readonly Step[] {
  const size = sizeOf(deployment);
  const allowed = size > 0 ? size + maxSurge(deployment) : 0;
  const toAdd = allowed - totalSize(active);
  const sets = [...active].sort(toAdd > 0 ? largerThenNewerFirst : toAdd < 0 ? largerThenOlderFirst : () => 0);
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of sets) {
    const share = toAdd === 0 ? 0 : proportion(deployment, set, toAdd, added);
    sizes.set(set, sizeOf(set) + share);
    added += share;
  }
  // What rounding left goes to the largest.
  if (toAdd !== 0) sizes.set(sets[0]!, Math.max(0, sizes.get(sets[0]!)! + toAdd - added));
  return sets.flatMap((set) => scaleTo(deployment, set, sizes.get(set)!));
}

function proportion(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  if (sizeOf(set) === 0 || toAdd === added) return 0;
  const share = fraction(deployment, set);
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

/** How much a ReplicaSet grows when it keeps its share of the deployment. */
function fraction(deployment: Deployment, set: ReplicaSet): number {
  const size = sizeOf(set);
  if (sizeOf(deployment) === 0) return -size;
  const before = maxReplicas(set) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((size * (sizeOf(deployment) + maxSurge(deployment))) / before) - size;
}
