/** When enough indexes of a Job have succeeded (KEP-3998; pkg/controller/job/success_policy.go). Pure. */
import type { Job } from "../../../model/kubernetes.ts";
import { Indexes } from "./indexes.ts";

/** @returns in words, the rule that is met */
export function metSuccessPolicy({ spec }: Job, succeeded: Indexes): string | undefined {
  if (succeeded.total === 0) return undefined;
  for (const [index, { succeededIndexes, succeededCount }] of (spec.successPolicy?.rules ?? []).entries()) {
    const met = `Matched rules at index ${index}`;
    if (succeededIndexes === undefined) {
      if (succeededCount !== undefined && succeeded.total >= succeededCount) return met;
      continue;
    }
    const required = Indexes.parse(succeededIndexes, spec.completions ?? 0);
    if (required.total === 0) continue;
    const common = required.common(succeeded);
    if (common === required.total || (succeededCount !== undefined && common >= succeededCount)) return met;
  }
  return undefined;
}
