/** Which victims a PodDisruptionBudget would not have go (defaultpreemption filterPodsWithPDBViolation). */
import type { PodDisruptionBudget } from "../../../model/kubernetes.ts";
import { labelMatcher, type LabelSelector } from "../../../model/label_selector.ts";
import type { PodInfo } from "../model/pod_info.ts";

export interface SplitVictims {
  readonly violating: readonly PodInfo[];
  readonly others: readonly PodInfo[];
}

/** @param pods those that are to stay first come first: they use the budgets up */
export function splitByBudgets(
  pods: readonly PodInfo[],
  budgetsOf: (namespace: string) => readonly PodDisruptionBudget[],
): SplitVictims {
  const left = new Map<PodDisruptionBudget, number>();
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let isViolating = false;
    for (const budget of budgetsOf(pod.namespace)) {
      if (!guards(budget, pod)) continue;
      const allowed = (left.get(budget) ?? budget.status?.disruptionsAllowed ?? 0) - 1;
      left.set(budget, allowed);
      if (allowed < 0) isViolating = true;
    }
    (isViolating ? violating : others).push(pod);
  }
  return { violating, others };
}

/** An empty selector guards nothing here, and a pod whose disruption is under way has been counted. */
function guards({ spec, status }: PodDisruptionBudget, pod: PodInfo): boolean {
  const selector: LabelSelector = spec.selector ?? {};
  const { matchLabels = {}, matchExpressions = [] } = selector;
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return false;
  if (Object.hasOwn(status?.disruptedPods ?? {}, pod.name)) return false;
  return Object.keys(pod.labels).length > 0 && labelMatcher(selector)(pod.labels);
}
