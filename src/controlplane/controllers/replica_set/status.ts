/** A set's status (pkg/controller/replicaset calculateStatus). Pure. */
import type { Pod } from "../../../model/kubernetes.ts";
import { equalityMatcher } from "../../../model/label_selector.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { isAvailable, isReady } from "../pods/state.ts";
import type { Replicas, ReplicaStatus } from "./replicas.ts";

export interface Counted {
  /** Active ones. */
  readonly pods: readonly Pod[];
  /** Those that are being deleted; undefined where the kind does not count them. */
  readonly terminating: number | undefined;
  /** What making or deleting pods failed with. */
  readonly error?: Error | undefined;
}

export function statusOf(set: Replicas, { pods, terminating, error }: Counted, nowMs: number): ReplicaStatus {
  const isFullyLabeled = equalityMatcher(set.spec.template?.metadata?.labels ?? {});
  const ready = pods.filter(isReady);
  const conditions = conditionsOf(set, pods.length, error, nowMs);
  return {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter(({ metadata }) => isFullyLabeled(metadata.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, set.spec.minReadySeconds, nowMs)).length,
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

type Conditions = NonNullable<ReplicaStatus["conditions"]>;

/** A failure stays as it was first told until pods can be made or deleted again. */
function conditionsOf(set: Replicas, pods: number, error: Error | undefined, nowMs: number): Conditions {
  const before = set.status?.conditions ?? [];
  const others = before.filter(({ type }) => type !== "ReplicaFailure");
  if (error === undefined) return others;
  if (others.length < before.length) return before;
  const difference = pods - (set.spec.replicas ?? 1);
  const failure = {
    type: "ReplicaFailure",
    status: "True",
    lastTransitionTime: timestamp(nowMs),
    reason: difference < 0 ? "FailedCreate" : difference > 0 ? "FailedDelete" : "",
    message: error.message,
  };
  return [...others, failure];
}

/** Whether two statuses say the same; a server leaves zeros out. */
export function sameStatus(a: ReplicaStatus | undefined, b: ReplicaStatus): boolean {
  return (
    (a?.replicas ?? 0) === b.replicas &&
    (a?.fullyLabeledReplicas ?? 0) === b.fullyLabeledReplicas &&
    (a?.readyReplicas ?? 0) === b.readyReplicas &&
    (a?.availableReplicas ?? 0) === b.availableReplicas &&
    a?.terminatingReplicas === b.terminatingReplicas &&
    (a?.observedGeneration ?? 0) === b.observedGeneration &&
    JSON.stringify(a?.conditions ?? []) === JSON.stringify(b.conditions ?? [])
  );
}
