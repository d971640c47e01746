/** How many of a budget's pods may be disrupted (upstream: pkg/controller/disruption). Pure. */
import type { Pod, PodDisruptionBudget } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { scaled } from "../int_or_percent.ts";
import { isReady } from "../pods/state.ts";

export type BudgetStatus = NonNullable<PodDisruptionBudget["status"]>;
type Condition = NonNullable<BudgetStatus["conditions"]>[number];

/** How long an eviction may take until the pod is marked as deleted, in ms. */
const deletionTimeoutMs = 2 * 60 * 1000;

/** Whether the count of pods depends on what controls them. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === "string";
}

export interface Expected {
  readonly pods: number;
  readonly healthy: number;
}

/** @param scale sum of the replicas that the pods' controllers want; unused where the budget names a plain number */
export function expectedOf({ spec }: PodDisruptionBudget, podCount: number, scale: number): Expected {
  const { maxUnavailable, minAvailable } = spec;
  if (maxUnavailable !== undefined) {
    return { pods: scale, healthy: Math.max(0, scale - scaled(maxUnavailable, scale, true)) };
  }
  if (typeof minAvailable === "string") return { pods: scale, healthy: scaled(minAvailable, scale, true) };
  return minAvailable === undefined ? { pods: 0, healthy: 0 } : { pods: podCount, healthy: minAvailable };
}

export interface BudgetPlan {
  /** Absent where it is right. */
  readonly status?: BudgetStatus;
  /** Evicted, and not deleted in time: they count again. */
  readonly notDeleted: readonly Pod[];
  readonly againAfterMs?: number;
}

export function planBudget(
  budget: PodDisruptionBudget,
  pods: readonly Pod[],
  expected: Expected,
  nowMs: number,
): BudgetPlan {
  const { disruptedPods, notDeleted, againAfterMs } = stillDisrupted(budget, pods, nowMs);
  const currentHealthy = pods.filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && !(pod.metadata.name in disruptedPods) && isReady(pod),
  ).length;
  const allowed = currentHealthy - expected.healthy;
  // A budget without pods is on the safe side when its first ones come.
  const disruptionsAllowed = expected.pods <= 0 ? 0 : Math.max(0, allowed);
  const { generation } = budget.metadata;
  const counted = {
    currentHealthy,
    desiredHealthy: expected.healthy,
    expectedPods: expected.pods,
    disruptionsAllowed,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
  };
  const reason = disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods";
  const status = { ...counted, conditions: conditionsOf(budget, disruptionsAllowed > 0, reason, "", nowMs) };
  const again = againAfterMs === undefined ? {} : { againAfterMs };
  return { notDeleted, ...again, ...(isSame(budget.status, status) ? {} : { status }) };
}

/** Where it cannot be told how many may go, none may. */
export function failedStatus(budget: PodDisruptionBudget, message: string, nowMs: number): BudgetStatus {
  const before = budget.status ?? { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0 };
  return { ...before, disruptionsAllowed: 0, conditions: conditionsOf(budget, false, "SyncFailed", message, nowMs) };
}

type Disrupted = NonNullable<BudgetStatus["disruptedPods"]>;

function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) {
  const disruptedPods: Record<string, Disrupted[string]> = {};
  const notDeleted: Pod[] = [];
  let againAfterMs: number | undefined;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const time = status?.disruptedPods?.[name];
    if (time === undefined || deletionTimestamp !== undefined) continue;
    const leftMs = Date.parse(time) + deletionTimeoutMs - nowMs;
    if (leftMs < 0) {
      notDeleted.push(pod);
      continue;
    }
    disruptedPods[name] = time;
    againAfterMs = Math.min(againAfterMs ?? Infinity, leftMs + 1);
  }
  return { disruptedPods, notDeleted, againAfterMs };
}

function conditionsOf(
  { status, metadata }: PodDisruptionBudget,
  isAllowed: boolean,
  reason: string,
  message: string,
  nowMs: number,
): readonly Condition[] {
  const before = status?.conditions ?? [];
  const old = before.find(({ type }) => type === "DisruptionAllowed");
  const is = isAllowed ? "True" : "False";
  const observedGeneration = reason === "SyncFailed" ? status?.observedGeneration : metadata.generation;
  const condition: Condition = {
    type: "DisruptionAllowed",
    status: is,
    reason,
    message,
    lastTransitionTime: old?.status === is ? old.lastTransitionTime : timestamp(nowMs),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
  return old ? before.map((one) => (one === old ? condition : one)) : [...before, condition];
}

function isSame(before: BudgetStatus | undefined, after: BudgetStatus): boolean {
  return before !== undefined && ordered(before) === ordered(after);
}

function ordered(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** A preemption that did not come about: ms until the pod says no more that it is to go; undefined where it says nothing. */
export function staleDisruptionInMs({ metadata, status }: Pod, nowMs: number): number | undefined {
  const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  if (condition?.status !== "True" || metadata.deletionTimestamp !== undefined) return undefined;
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return undefined;
  return Math.max(0, Date.parse(condition.lastTransitionTime ?? "") + deletionTimeoutMs - nowMs) || 0;
}
