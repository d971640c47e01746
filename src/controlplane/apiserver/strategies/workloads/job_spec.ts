/** The spec of a Job: of Jobs themselves and of what CronJobs make. */
import type { Causes } from "../../validation/causes.ts";
import { selects, validateSelector } from "../../validation/labels.ts";
import { domainPrefixedPath } from "../../validation/names.ts";
import { defaultPodTemplate } from "../pod/defaults.ts";
import { maxInt32, validatePodTemplate } from "../pod/spec.ts";
import type { JobSpec } from "./job_model.ts";
import { validateFailurePolicy, validateReplacement, validateSuccessPolicy } from "./job_policies.ts";

const retries = 6;

export function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? retries : maxInt32;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? "Failed" : "TerminatingOrFailed";
  defaultJobTemplate(spec);
}

/** What a CronJob's template has of it: the rest its Jobs get when they are made. */
export function defaultJobTemplate(spec: JobSpec): void {
  for (const { onPodConditions } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions ?? []) pattern.status ??= "True";
  }
  defaultPodTemplate(spec);
}

const counts = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
  "maxFailedIndexes",
] as const;
/** Longest name of who runs a Job in place of the built-in controller. */
const maxManagedBy = 63;

export function validateJobSpec(spec: JobSpec, path: string, out: Causes): void {
  for (const field of counts) out.nonNegative(`${path}.${field}`, spec[field]);
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    out.required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified");
  }
  if (spec.managedBy !== undefined) {
    for (const [part, words] of domainPrefixedPath(spec.managedBy)) out.invalid(`${path}.managedBy`, part, words);
    if (Buffer.byteLength(spec.managedBy) > maxManagedBy) out.tooLong(`${path}.managedBy`, maxManagedBy);
  }
  validateMode(spec, path, out);
  if (spec.podFailurePolicy) validateFailurePolicy(spec, spec.podFailurePolicy, `${path}.podFailurePolicy`, out);
  if (spec.successPolicy) validateSuccessPolicy(spec, spec.successPolicy, `${path}.successPolicy`, out);
  validateReplacement(spec, `${path}.podReplacementPolicy`, out);
  validatePodTemplate(spec.template ?? {}, `${path}.template`, out);
  const restart = spec.template?.spec?.restartPolicy;
  const at = `${path}.template.spec.restartPolicy`;
  if (!restart || restart === "Always") out.required(at, 'valid values: "OnFailure", "Never"');
  else if (restart !== "OnFailure" && restart !== "Never") out.notSupported(at, restart, ["OnFailure", "Never"]);
  else if (restart !== "Never" && spec.podFailurePolicy) {
    out.invalid(at, restart, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

function validateMode(spec: JobSpec, path: string, out: Causes): void {
  const { completionMode: mode, backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (mode !== undefined && mode !== "NonIndexed" && mode !== "Indexed") {
    out.notSupported(`${path}.completionMode`, mode, ["NonIndexed", "Indexed"]);
  }
  if (mode === "Indexed") return validateIndexed(spec, path, out);
  if (mode !== undefined && mode !== "NonIndexed") return;
  const words = "requires indexed completion mode";
  if (backoffLimitPerIndex !== undefined) {
    out.invalid(`${path}.backoffLimitPerIndex`, backoffLimitPerIndex, words);
  }
  if (maxFailedIndexes !== undefined) out.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, words);
}

const maxIndexed = 100_000;
/** Of Jobs beyond that many completions whose indexes fail on their own (KEP-3850): their status must stay small. */
const maxOfMany = 10_000;

function validateIndexed(spec: JobSpec, path: string, out: Causes): void {
  const { completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const failedPath = `${path}.maxFailedIndexes`;
  if (completions === undefined) out.required(`${path}.completions`, "when completion mode is Indexed");
  if (parallelism > maxIndexed) {
    const words = `must be less than or equal to ${maxIndexed} when completion mode is Indexed`;
    out.invalid(`${path}.parallelism`, parallelism, words);
  }
  if (maxFailedIndexes !== undefined && completions !== undefined && maxFailedIndexes > completions) {
    out.invalid(failedPath, maxFailedIndexes, "must be less than or equal to completions");
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > maxIndexed) {
    out.invalid(failedPath, maxFailedIndexes, `must be less than or equal to ${maxIndexed}`);
  }
  if (completions === undefined || completions <= maxIndexed || backoffLimitPerIndex === undefined) return;
  const words = `must be less than or equal to ${maxOfMany} when completions are above ${maxIndexed} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) {
    out.required(failedPath, `must be specified when completions is above ${maxIndexed}`);
  }
  if (parallelism > maxOfMany) out.invalid(`${path}.parallelism`, parallelism, words);
  if (maxFailedIndexes !== undefined && maxFailedIndexes > maxOfMany) out.invalid(failedPath, maxFailedIndexes, words);
}

/** Of a Job alone: a CronJob's template has none. */
export function validateJobSelector(spec: JobSpec, out: Causes): void {
  if (!spec.selector) return out.required("spec.selector");
  validateSelector(spec.selector, "spec.selector", out);
  const labels = spec.template?.metadata?.labels;
  if (!selects(spec.selector, labels)) {
    out.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
  }
}
