/** From the old ReplicaSets to the new one (pkg/controller/deployment/{rolling,recreate}.go). Pure. */
import type { Deployment, Pod, ReplicaSet } from "../../../model/kubernetes.ts";
import { isRolling, maxSurge, maxUnavailable, sizeOf, totalOf, totalSize } from "./bounds.ts";
import { allOf, isActiveSet, type Sets } from "./replica_sets.ts";
import { resizeTo, type Step } from "./steps.ts";

/** How many pods the new ReplicaSet should have now. */
export function newestSize(deployment: Deployment, all: readonly ReplicaSet[], current: number): number {
  const wanted = sizeOf(deployment);
  if (!isRolling(deployment)) return wanted;
  const room = wanted + maxSurge(deployment) - totalSize(all);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}

/** One side at a time: the new one grows, or the old ones shrink. */
export function rollingSteps(deployment: Deployment, sets: Sets & { readonly newest: ReplicaSet }): readonly Step[] {
  const grown = growNewest(deployment, sets);
  return grown.length > 0 ? grown : shrinkOld(deployment, sets);
}

function growNewest(deployment: Deployment, sets: Sets & { readonly newest: ReplicaSet }): readonly Step[] {
  const { newest } = sets;
  const wanted = sizeOf(deployment);
  const current = sizeOf(newest);
  if (current === wanted) return [];
  return resizeTo(deployment, newest, current > wanted ? wanted : newestSize(deployment, allOf(sets), current));
}

function shrinkOld(deployment: Deployment, sets: Sets & { readonly newest: ReplicaSet }): readonly Step[] {
  const { newest } = sets;
  const old = sets.old.filter(isActiveSet);
  if (old.length === 0) return [];
  const minAvailable = sizeOf(deployment) - maxUnavailable(deployment);
  const newUnavailable = sizeOf(newest) - (newest.status?.availableReplicas ?? 0);
  const most = totalSize(allOf(sets)) - minAvailable - newUnavailable;
  if (most <= 0) return [];
  const cleaned = cleanUp(deployment, old, most);
  return [...cleaned.steps, ...shrink(deployment, [...cleaned.sets], newest, minAvailable)];
}

/** Pods that are not available are given up first: otherwise a rollout away from a broken template hangs. */
function cleanUp(deployment: Deployment, old: readonly ReplicaSet[], most: number) {
  const steps: Step[] = [];
  let left = most;
  const sets = old.map((set) => {
    const size = sizeOf(set);
    const unhealthy = Math.min(left, size - (set.status?.availableReplicas ?? 0));
    if (unhealthy <= 0) return set;
    left -= unhealthy;
    steps.push(...resizeTo(deployment, set, size - unhealthy));
    return { ...set, spec: { ...set.spec, replicas: size - unhealthy } };
  });
  return { steps, sets };
}

function shrink(
  deployment: Deployment,
  old: readonly ReplicaSet[],
  newest: ReplicaSet,
  minAvailable: number,
): readonly Step[] {
  const steps: Step[] = [];
  let left = totalOf([...old, newest], "availableReplicas") - minAvailable;
  for (const set of old) {
    if (left <= 0) break;
    const fewer = Math.min(left, sizeOf(set));
    left -= fewer;
    steps.push(...resizeTo(deployment, set, sizeOf(set) - fewer));
  }
  return steps;
}

/** Recreate: first all of the old go. */
export function emptyOld(deployment: Deployment, { old }: Sets): readonly Step[] {
  return old.filter(isActiveSet).flatMap((set) => resizeTo(deployment, set, 0));
}

/** Recreate: whether the new has to wait for pods of the old that have not ended. @param pods by ReplicaSet's uid */
export function oldPodsRun({ newest, old }: Sets, pods: ReadonlyMap<string, readonly Pod[]>): boolean {
  if (totalOf(old, "replicas") > 0) return true;
  for (const [uid, owned] of pods) {
    if (uid === newest?.metadata.uid) continue;
    if (owned.some(({ status }) => status?.phase !== "Failed" && status?.phase !== "Succeeded")) return true;
  }
  return false;
}
