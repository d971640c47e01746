/** Conditions of pods that the scheduler sets (pkg/api/v1/pod UpdatePodCondition). */
import type { V1PodCondition } from "@kubernetes/client-node";
import type { Json, Pod } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export type PodCondition = Json<V1PodCondition>;

export function podScheduledFalse(reason: "Unschedulable" | "SchedulerError", message: string) {
  return { type: "PodScheduled", status: "False", reason, message } as const;
}

export function disruptionTarget(schedulerName: string) {
  const message = `${schedulerName}: preempting to accommodate a higher priority pod`;
  return { type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler", message } as const;
}

/** @returns the condition with its times, or undefined where the pod has it as it is */
export function changedCondition(
  { metadata, status }: Pod,
  condition: Pick<PodCondition, "type" | "status" | "reason" | "message">,
  nowMs: number,
): PodCondition | undefined {
  const before = status?.conditions?.find(({ type }) => type === condition.type);
  const { generation } = metadata;
  const isSame =
    before?.status === condition.status &&
    before.reason === condition.reason &&
    before.message === condition.message &&
    (before.observedGeneration ?? 0) === (generation ?? 0);
  if (isSame) return undefined;
  const isTransition = before?.status !== condition.status || before.lastTransitionTime === undefined;
  const now = timestamp(nowMs);
  return {
    ...condition,
    lastTransitionTime: isTransition ? now : before.lastTransitionTime,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}
