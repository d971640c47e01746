/** Taints of nodes and what pods tolerate (k8s.io/component-helpers/scheduling/corev1). */
import type { V1Taint, V1Toleration } from "@kubernetes/client-node";
import type { Json } from "./kubernetes.ts";

export type Taint = Json<V1Taint>;
export type Toleration = Json<V1Toleration>;

export function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  switch (operator ?? "") {
    case "":
    case "Equal":
      return (value ?? "") === (taint.value ?? "");
    case "Exists":
      return true;
    default:
      return false;
  }
}

export function isTolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint));
}

/** Taints that keep pods away: NoSchedule and NoExecute. */
export function keepsAway({ effect }: Taint): boolean {
  return effect === "NoSchedule" || effect === "NoExecute";
}

export function isKeptAway(taints: readonly Taint[], tolerations: readonly Toleration[]): boolean {
  return taints.some((taint) => keepsAway(taint) && !isTolerated(taint, tolerations));
}
