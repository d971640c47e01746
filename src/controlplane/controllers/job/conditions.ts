/** Conditions of a Job (pkg/controller/job ensureJobConditionStatus). Pure. */
import type { Job } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export type JobStatus = NonNullable<Job["status"]>;
export type Condition = NonNullable<JobStatus["conditions"]>[number];

/** What ends a Job, or is about to. */
export interface Ending {
  readonly type: "FailureTarget" | "SuccessCriteriaMet";
  readonly reason: string;
  readonly message: string;
}

export function conditionOf({ status }: Job, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

export function isFinished(job: Job): boolean {
  return conditionOf(job, "Complete") !== undefined || conditionOf(job, "Failed") !== undefined;
}

export function condition(
  type: string,
  reason: string,
  message: string,
  nowMs: number,
  status: "True" | "False" = "True",
): Condition {
  const now = timestamp(nowMs);
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
}

/** Conditions with one put in; one that is false and was never true is not. */
export function withCondition(conditions: readonly Condition[], wanted: Condition): readonly Condition[] {
  const at = conditions.findIndex(({ type }) => type === wanted.type);
  if (at < 0) return wanted.status === "False" ? conditions : [...conditions, wanted];
  const { status, reason = "", message = "" } = conditions[at]!;
  if (status === wanted.status && reason === wanted.reason && message === wanted.message) return conditions;
  return conditions.with(at, wanted);
}
