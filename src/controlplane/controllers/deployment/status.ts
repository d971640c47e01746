/** A deployment's status and whether it makes progress (pkg/controller/deployment/{sync,progress}.go). Pure. */
import type { Deployment, ReplicaSet } from "../../../model/kubernetes.ts";
import { hasProgressDeadline, maxUnavailable, sizeOf, totalOf, totalSize } from "./bounds.ts";
import {
  conditionOf,
  find,
  withCondition,
  withRenewed,
  without,
  type Condition,
  type Conditions,
  type DeploymentStatus,
} from "./conditions.ts";
import { allOf, type Sets } from "./replica_sets.ts";

const progressing = "Progressing";

/** Counts, and whether enough is available. */
export function statusOf(deployment: Deployment, sets: Sets, before: Conditions, nowMs: number): DeploymentStatus {
  const all = allOf(sets);
  const available = totalOf(all, "availableReplicas");
  const terminating = terminatingOf(all);
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: totalOf(all, "replicas"),
    updatedReplicas: sets.newest ? totalOf([sets.newest], "replicas") : 0,
    readyReplicas: totalOf(all, "readyReplicas"),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, totalSize(all) - available),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: [...withCondition(before, availability(deployment, available, nowMs))],
  };
}

function availability(deployment: Deployment, available: number, nowMs: number): Condition {
  const isEnough = available >= sizeOf(deployment) - maxUnavailable(deployment);
  return isEnough
    ? conditionOf("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", nowMs)
    : conditionOf(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
        nowMs,
      );
}

/** Known where all ReplicaSets say it (KEP-3973). */
function terminatingOf(all: readonly ReplicaSet[]): number | undefined {
  let sum = 0;
  for (const { status } of all) {
    if (!status?.observedGeneration || status.terminatingReplicas === undefined) return undefined;
    sum += status.terminatingReplicas;
  }
  return sum;
}

export function isComplete({ metadata, spec }: Deployment, status: DeploymentStatus): boolean {
  const size = sizeOf({ spec });
  return (
    (status.updatedReplicas ?? 0) === size &&
    (status.replicas ?? 0) === size &&
    (status.availableReplicas ?? 0) === size &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

/** During a rollout: the status, with what is known of its progress and of failures. */
export function rolloutStatus(deployment: Deployment, sets: Sets, before: Conditions, nowMs: number): DeploymentStatus {
  const status = statusOf(deployment, sets, before, nowMs);
  const conditions = withProgress(deployment, sets, before, status, nowMs);
  const failure = failureOf(sets);
  return {
    ...status,
    conditions: [...(failure ? withCondition(conditions, failure) : without(conditions, "ReplicaFailure"))],
  };
}

function withProgress(
  deployment: Deployment,
  { newest }: Sets,
  before: Conditions,
  status: DeploymentStatus,
  nowMs: number,
): Conditions {
  const conditions = status.conditions ?? [];
  if (!hasProgressDeadline(deployment)) return without(conditions, progressing);
  const current = find(before, progressing);
  const wasComplete = status.replicas === status.updatedReplicas && current?.reason === "NewReplicaSetAvailable";
  if (wasComplete) return conditions;
  const subject = newest ? `ReplicaSet "${newest.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const condition = (is: "True" | "False", reason: string, message: string): Condition =>
    conditionOf(progressing, is, reason, `${subject} ${message}`, nowMs);
  if (isComplete(deployment, status)) {
    return withCondition(conditions, condition("True", "NewReplicaSetAvailable", "has successfully progressed."));
  }
  if (hasProgressed(deployment.status ?? {}, status)) {
    return withRenewed(conditions, condition("True", "ReplicaSetUpdated", "is progressing."));
  }
  if (hasTimedOut(deployment, conditions, nowMs)) {
    return withCondition(conditions, condition("False", "ProgressDeadlineExceeded", "has timed out progressing."));
  }
  return conditions;
}

/** More of the new, fewer of the old, or more that are ready or available. */
function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, conditions: Conditions, nowMs: number): boolean {
  const condition = find(conditions, progressing);
  if (!condition || condition.reason === "NewReplicaSetAvailable") return false;
  return condition.reason === "ProgressDeadlineExceeded" || deadlineMs(deployment, condition) < nowMs;
}

function deadlineMs({ spec }: Deployment, { lastUpdateTime = "" }: Condition): number {
  return Date.parse(lastUpdateTime) + (spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** A failure of the new ReplicaSet, else of any. */
function failureOf(sets: Sets): Condition | undefined {
  const candidates = sets.newest ? [sets.newest, ...sets.old] : sets.old;
  for (const { status } of candidates) {
    const failure = status?.conditions?.find(({ type }) => type === "ReplicaFailure");
    if (!failure) continue;
    const { lastTransitionTime } = failure;
    return { ...failure, ...(lastTransitionTime === undefined ? {} : { lastUpdateTime: lastTransitionTime }) };
  }
  return undefined;
}

/** When to look whether the deadline of progress has passed; undefined: nothing to look for. */
export function checkProgressInMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const condition = find(status.conditions ?? [], progressing);
  if (!hasProgressDeadline(deployment) || !condition) return undefined;
  if (isComplete(deployment, status) || condition.reason === "ProgressDeadlineExceeded") return undefined;
  // Times in the API are whole seconds: one more, so that the deadline has passed then.
  return Math.max(0, deadlineMs(deployment, condition) - nowMs) + 1000;
}

/** Whether two statuses say the same; a server leaves zeros out. */
export function sameStatus(a: DeploymentStatus | undefined, b: DeploymentStatus): boolean {
  const counts = [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
  ] as const;
  return (
    counts.every((count) => (a?.[count] ?? 0) === (b[count] ?? 0)) &&
    a?.terminatingReplicas === b.terminatingReplicas &&
    a?.collisionCount === b.collisionCount &&
    JSON.stringify(a?.conditions ?? []) === JSON.stringify(b.conditions ?? [])
  );
}
