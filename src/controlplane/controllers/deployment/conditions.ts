/** Conditions of a deployment (pkg/controller/deployment/util). Pure. */
import type { Deployment } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";

export type DeploymentStatus = NonNullable<Deployment["status"]>;
export type Condition = NonNullable<DeploymentStatus["conditions"]>[number];
export type Conditions = readonly Condition[];

export function conditionOf(
  type: string,
  status: "True" | "False" | "Unknown",
  reason: string,
  message: string,
  nowMs: number,
): Condition {
  const now = timestamp(nowMs);
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

export function find(conditions: Conditions, type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

export function without(conditions: Conditions, type: string): Conditions {
  return conditions.filter((condition) => condition.type !== type);
}

/** One that is there with the same status and reason stays as it is. */
export function withCondition(conditions: Conditions, condition: Condition): Conditions {
  const before = find(conditions, condition.type);
  if (before?.status === condition.status && before.reason === condition.reason) return conditions;
  return [...without(conditions, condition.type), keepTransition(condition, before)];
}

/** As withCondition, but what is there is told anew: it tells when progress was seen last. */
export function withRenewed(conditions: Conditions, condition: Condition): Conditions {
  const before = find(conditions, condition.type);
  return [...without(conditions, condition.type), keepTransition(condition, before)];
}

function keepTransition(condition: Condition, before: Condition | undefined): Condition {
  if (before?.status !== condition.status || before.lastTransitionTime === undefined) return condition;
  return { ...condition, lastTransitionTime: before.lastTransitionTime };
}
