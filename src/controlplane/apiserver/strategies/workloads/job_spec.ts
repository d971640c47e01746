/** The spec of a Job: of Jobs themselves and of what CronJobs make. */
import type { V1JobSpec, V1PodFailurePolicy } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import type { Json } from "../../validation/json.ts";
import { selects, validateSelector } from "../../validation/labels.ts";
import { domainPrefixedPath } from "../../validation/names.ts";
import { defaultPodTemplate } from "../pod/defaults.ts";
import { maxInt32, validatePodTemplate } from "../pod/spec.ts";

export type JobSpec = Json<V1JobSpec>;

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

const maxIndexed = 100_000;
const counts = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
] as const;

export function validateJobSpec(spec: JobSpec, path: string, out: Causes): void {
  for (const field of counts) out.nonNegative(`${path}.${field}`, spec[field]);
  validateIndexes(spec, path, out);
  if (spec.managedBy !== undefined) {
    for (const [part, words] of domainPrefixedPath(spec.managedBy)) out.invalid(`${path}.managedBy`, part, words);
    if (spec.managedBy.length > 63) out.tooLong(`${path}.managedBy`, 63);
  }
  const mode = spec.completionMode;
  if (mode !== undefined && mode !== "NonIndexed" && mode !== "Indexed") {
    out.notSupported(`${path}.completionMode`, mode, ["Indexed", "NonIndexed"]);
  }
  validatePodTemplate(spec.template ?? {}, `${path}.template`, out);
  const restart = spec.template?.spec?.restartPolicy;
  const at = `${path}.template.spec.restartPolicy`;
  if (!restart || restart === "Always") out.required(at, 'valid values: "OnFailure", "Never"');
  else if (restart !== "OnFailure" && restart !== "Never") out.notSupported(at, restart, ["Never", "OnFailure"]);
  else if (restart !== "Never" && spec.podFailurePolicy) {
    out.invalid(at, restart, 'only "Never" is supported when podFailurePolicy is specified');
  }
  if (spec.podFailurePolicy) validateFailurePolicy(spec, spec.podFailurePolicy, `${path}.podFailurePolicy`, out);
  validateReplacement(spec, path, out);
}

function validateIndexes(spec: JobSpec, path: string, out: Causes): void {
  const { completionMode, completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const isIndexed = completionMode === "Indexed";
  if (isIndexed) {
    if (completions === undefined) out.required(`${path}.completions`, "when completion mode is Indexed");
    if (parallelism > maxIndexed) {
      const words = `must be less than or equal to ${maxIndexed} when completion mode is Indexed`;
      out.invalid(`${path}.parallelism`, parallelism, words);
    }
  }
  if (backoffLimitPerIndex !== undefined && !isIndexed) {
    const words = "requires indexed completion mode";
    out.invalid(`${path}.backoffLimitPerIndex`, backoffLimitPerIndex, words);
  }
  if (maxFailedIndexes === undefined) return;
  const at = `${path}.maxFailedIndexes`;
  out.nonNegative(at, maxFailedIndexes);
  if (backoffLimitPerIndex === undefined) {
    out.required(`${path}.backoffLimitPerIndex`, "when maxFailedIndexes is specified");
  }
  if (completions !== undefined && maxFailedIndexes > completions) {
    out.invalid(at, maxFailedIndexes, "must be less than or equal to completions");
  }
}

const failureActions = ["Count", "FailIndex", "FailJob", "Ignore"];
const maxRules = 20;
const maxCodes = 255;

function validateFailurePolicy(spec: JobSpec, policy: Json<V1PodFailurePolicy>, path: string, out: Causes): void {
  const rules = policy.rules ?? [];
  if (rules.length > maxRules) return out.tooMany(`${path}.rules`, rules.length, maxRules);
  const names = [...(spec.template?.spec?.containers ?? []), ...(spec.template?.spec?.initContainers ?? [])].map(
    ({ name }) => name,
  );
  for (const [i, rule] of rules.entries()) {
    const at = `${path}.rules[${i}]`;
    const { action, onExitCodes: codes, onPodConditions: conditions } = rule;
    out.enum(`${at}.action`, action, failureActions);
    if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
      out.invalid(`${at}.action`, action, "requires the backoffLimitPerIndex to be set");
    }
    if (!codes && (conditions ?? []).length === 0) {
      out.invalid(at, null, "specifying one of OnExitCodes and OnPodConditions is required");
    }
    if (codes && (conditions ?? []).length > 0) {
      out.invalid(at, null, "specifying both OnExitCodes and OnPodConditions is not supported");
    }
    if (codes) validateExitCodes(codes, names, `${at}.onExitCodes`, out);
    for (const [j, { type, status }] of (conditions ?? []).entries()) {
      if (!type) out.required(`${at}.onPodConditions[${j}].type`, "name part must be non-empty");
      out.enum(`${at}.onPodConditions[${j}].status`, status, ["False", "True", "Unknown"]);
    }
  }
}

type ExitCodes = NonNullable<NonNullable<Json<V1PodFailurePolicy>["rules"]>[number]["onExitCodes"]>;

function validateExitCodes(codes: ExitCodes, names: readonly (string | undefined)[], path: string, out: Causes): void {
  const { operator, values = [], containerName } = codes;
  out.enum(`${path}.operator`, operator, ["In", "NotIn"]);
  if (containerName !== undefined && !names.includes(containerName)) {
    out.invalid(
      `${path}.containerName`,
      containerName,
      "must be one of the container or initContainer names in the pod template",
    );
  }
  if (values.length === 0) out.invalid(`${path}.values`, values, "at least one value is required");
  if (values.length > maxCodes) out.tooMany(`${path}.values`, values.length, maxCodes);
  for (const [i, value] of values.entries()) {
    if (operator === "In" && value === 0)
      out.invalid(`${path}.values[${i}]`, value, "must not be 0 for the In operator");
    if (values.indexOf(value) < i) out.duplicate(`${path}.values[${i}]`, value);
    else if (i > 0 && values[i - 1]! > value) out.invalid(`${path}.values`, values, "must be ordered");
  }
}

function validateReplacement(
  { podReplacementPolicy: policy, podFailurePolicy }: JobSpec,
  path: string,
  out: Causes,
): void {
  const supported = podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  if (policy !== undefined && !supported.includes(policy)) {
    out.notSupported(`${path}.podReplacementPolicy`, policy, supported);
  }
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
