/** PodDisruptionBudgets (pkg/apis/policy). */
import type { V1PodDisruptionBudgetSpec } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { partOf, type Json } from "../validation/json.ts";
import { validateSelector } from "../validation/labels.ts";
import { validateIntOrPercent, validateAtMostAll } from "./workloads/int_or_percent.ts";

type PdbSpec = Json<V1PodDisruptionBudgetSpec>;

export const podDisruptionBudget: Strategy = {
  prepareCreate(object) {
    object["status"] = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 };
  },
  validateCreate: (object) => causesOf((out) => validateBudget(partOf<V1PodDisruptionBudgetSpec>(object, "spec"), out)),
  validateUpdate(object, _old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") validateBudgetStatus(object, out);
      else validateBudget(partOf<V1PodDisruptionBudgetSpec>(object, "spec"), out);
    });
  },
};

function validateBudget(
  { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy }: PdbSpec,
  out: Causes,
): void {
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    out.invalid("spec", { minAvailable, maxUnavailable }, "minAvailable and maxUnavailable cannot be both set");
  }
  for (const [field, value] of [
    ["minAvailable", minAvailable],
    ["maxUnavailable", maxUnavailable],
  ] as const) {
    if (value === undefined) continue;
    validateIntOrPercent(value, `spec.${field}`, out);
    validateAtMostAll(value, `spec.${field}`, out);
  }
  validateSelector(selector, "spec.selector", out);
  const policies = ["AlwaysAllow", "IfHealthyBudget"];
  if (unhealthyPodEvictionPolicy !== undefined && !policies.includes(unhealthyPodEvictionPolicy)) {
    out.notSupported("spec.unhealthyPodEvictionPolicy", unhealthyPodEvictionPolicy, policies);
  }
}

function validateBudgetStatus(object: ApiObject, out: Causes): void {
  const status = partOf<Record<string, number>>(object, "status");
  for (const field of ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]) {
    out.nonNegative(`status.${field}`, status[field]);
  }
}
