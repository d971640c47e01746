/** Pods of other revisions are deleted, from the highest ordinal down; they come back updated. Pure. */
import type { Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { scaled } from "../int_or_percent.ts";
import { revisionNameOf, sizeOf } from "./identity.ts";
import type { Places } from "./replicas.ts";
import { isHealthy, isLeaving } from "./status.ts";

/** @returns pods to be deleted */
export function updateTargets({ set, replicas }: Places, revision: string): readonly Pod[] {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== "RollingUpdate") return [];
  const targets = replicas.slice(rollingUpdate?.partition ?? 0).reverse();
  const isOld = (pod: Pod): boolean => revisionNameOf(pod) !== revision && !isLeaving(pod);
  if (rollingUpdate?.maxUnavailable === undefined) return oneByOne(targets, isOld);
  const room = maxUnavailable(set) - replicas.filter((pod) => !isHealthy(pod)).length;
  return targets.filter(isOld).slice(0, Math.max(0, room));
}

/** The next one goes when all above it are updated and healthy. */
function oneByOne(targets: readonly Pod[], isOld: (pod: Pod) => boolean): readonly Pod[] {
  for (const pod of targets) {
    if (isOld(pod)) return [pod];
    if (!isHealthy(pod)) return [];
  }
  return [];
}

/** KEP-961: at least one, or nothing would ever be updated. */
function maxUnavailable(set: StatefulSet): number {
  return Math.max(1, scaled(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable, sizeOf(set), true));
}
