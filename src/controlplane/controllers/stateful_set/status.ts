/** A StatefulSet's status (pkg/controller/statefulset updateStatus, completeRollingUpdate). Pure. */
import type { Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { isAvailable, isReady } from "../pods/state.ts";
import { revisionNameOf, sizeOf } from "./identity.ts";
import type { Revisions } from "./revisions.ts";

export type StatefulSetStatus = NonNullable<StatefulSet["status"]>;

export const isCreated = ({ status }: Pod): boolean => Boolean(status?.phase);
export const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
export const isUp = (pod: Pod): boolean => pod.status?.phase === "Running" && isReady(pod);
export const isHealthy = (pod: Pod): boolean => isUp(pod) && !isLeaving(pod);
export const hasEnded = ({ status }: Pod): boolean => status?.phase === "Failed" || status?.phase === "Succeeded";

/** @param updating pods of the current revision that are deleted now, to be made anew of the other */
export function statusOf(
  set: StatefulSet,
  { current, update }: Revisions,
  pods: readonly Pod[],
  updating: number,
  nowMs: number,
): StatefulSetStatus {
  const { minReadySeconds } = set.spec;
  const count = (test: (pod: Pod) => boolean): number => pods.filter(test).length;
  const ofRevision = (name: string): number =>
    count((pod) => isCreated(pod) && !isLeaving(pod) && revisionNameOf(pod) === name);
  return complete(set, {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: count(isCreated),
    readyReplicas: count(isUp),
    availableReplicas: count((pod) => isUp(pod) && isAvailable(pod, minReadySeconds, nowMs)),
    currentReplicas: Math.max(0, ofRevision(current.name) - updating),
    updatedReplicas: ofRevision(update.name),
    currentRevision: current.name,
    updateRevision: update.name,
    collisionCount: set.status?.collisionCount ?? 0,
  });
}

/** An update is over when all pods are of its revision and ready. */
function complete(set: StatefulSet, status: StatefulSetStatus): StatefulSetStatus {
  const size = sizeOf(set);
  const isRolling = set.spec.updateStrategy?.type === "RollingUpdate";
  const { updatedReplicas = 0, updateRevision, readyReplicas, replicas } = status;
  if (!isRolling || updatedReplicas !== size || readyReplicas !== size || replicas !== size) return status;
  return {
    ...status,
    currentReplicas: updatedReplicas,
    ...(updateRevision ? { currentRevision: updateRevision } : {}),
  };
}

const counts = [
  "observedGeneration",
  "replicas",
  "readyReplicas",
  "availableReplicas",
  "currentReplicas",
  "updatedReplicas",
  "collisionCount",
] as const;

/** Whether two statuses say the same; a server leaves zeros out. */
export function sameStatus(a: StatefulSetStatus | undefined, b: StatefulSetStatus): boolean {
  return (
    counts.every((name) => (a?.[name] ?? 0) === (b[name] ?? 0)) &&
    a?.currentRevision === b.currentRevision &&
    a?.updateRevision === b.updateRevision &&
    (a?.collisionCount === undefined) === (b.collisionCount === undefined)
  );
}
