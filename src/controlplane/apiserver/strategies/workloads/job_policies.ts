/** When a Job has failed, when it has succeeded before all pods have, and when a pod is replaced (batch/validation). */
import type { V1PodFailurePolicy, V1SuccessPolicy } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import type { Json } from "../../validation/json.ts";
import { qualifiedName } from "../../validation/names.ts";
import { countIndexes } from "./indexes.ts";
import type { JobSpec } from "./job_model.ts";

const failureActions: readonly string[] = ["Count", "FailIndex", "FailJob", "Ignore"];
const maxRules = 20;
const maxPatterns = 20;
const maxCodes = 255;
const maxIndexesText = 64 * 1024;

/** As Go's %q writes a list. */
function validValues(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}

function validateChoice(path: string, value: string | undefined, supported: readonly string[], out: Causes): void {
  if (!value) out.required(path, validValues(supported));
  else if (!supported.includes(value)) out.notSupported(path, value, supported);
}

type FailurePolicy = Json<V1PodFailurePolicy>;

export function validateFailurePolicy(spec: JobSpec, policy: FailurePolicy, path: string, out: Causes): void {
  const rules = policy.rules ?? [];
  if (rules.length > maxRules) out.tooMany(`${path}.rules`, rules.length, maxRules);
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
  const names = [...containers, ...initContainers].map(({ name }) => name);
  for (const [i, rule] of rules.entries()) {
    const at = `${path}.rules[${i}]`;
    const { action, onExitCodes: codes, onPodConditions: conditions = [] } = rule;
    validateChoice(`${at}.action`, action, failureActions, out);
    if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
      out.invalid(`${at}.action`, action, "requires the backoffLimitPerIndex to be set");
    }
    if (codes) validateExitCodes(codes, names, `${at}.onExitCodes`, out);
    if (conditions.length > 0) validatePatterns(conditions, `${at}.onPodConditions`, out);
    if (codes && conditions.length > 0) {
      out.invalidPlain(at, "specifying both OnExitCodes and OnPodConditions is not supported");
    }
    if (!codes && conditions.length === 0) {
      out.invalidPlain(at, "specifying one of OnExitCodes and OnPodConditions is required");
    }
  }
}

type Rule = NonNullable<FailurePolicy["rules"]>[number];

function validatePatterns(patterns: NonNullable<Rule["onPodConditions"]>, path: string, out: Causes): void {
  if (patterns.length > maxPatterns) out.tooMany(path, patterns.length, maxPatterns);
  for (const [j, { type = "", status }] of patterns.entries()) {
    out.invalidEach(`${path}[${j}].type`, type, qualifiedName(type));
    validateChoice(`${path}[${j}].status`, status, ["False", "True", "Unknown"], out);
  }
}

function validateExitCodes(
  { operator, values = [], containerName }: NonNullable<Rule["onExitCodes"]>,
  names: readonly (string | undefined)[],
  path: string,
  out: Causes,
): void {
  validateChoice(`${path}.operator`, operator, ["In", "NotIn"], out);
  if (containerName !== undefined && !names.includes(containerName)) {
    const words = "must be one of the container or initContainer names in the pod template";
    out.invalid(`${path}.containerName`, containerName, words);
  }
  if (values.length === 0) out.invalid(`${path}.values`, values, "at least one value is required");
  if (values.length > maxCodes) out.tooMany(`${path}.values`, values.length, maxCodes);
  for (const [i, value] of values.entries()) {
    if (operator === "In" && value === 0) {
      out.invalid(`${path}.values[${i}]`, value, "must not be 0 for the In operator");
    }
    if (values.indexOf(value) < i) out.duplicate(`${path}.values[${i}]`, value);
  }
  const isOrdered = values.every((value, i) => i === 0 || values[i - 1]! <= value);
  if (!isOrdered) out.invalid(`${path}.values`, values, "must be ordered");
}

/** KEP-3998. */
export function validateSuccessPolicy(spec: JobSpec, policy: Json<V1SuccessPolicy>, path: string, out: Causes): void {
  if (spec.completionMode !== "Indexed") return out.invalid(path, policy, "requires indexed completion mode");
  const rules = policy.rules ?? [];
  const at = `${path}.rules`;
  if (rules.length === 0) {
    out.required(at, "at least one rules must be specified when the successPolicy is specified");
  }
  if (rules.length > maxRules) out.tooMany(at, rules.length, maxRules);
  for (const [i, rule] of rules.entries()) validateSuccessRule(rule, spec.completions ?? 0, `${at}[${i}]`, out);
}

type SuccessRule = NonNullable<Json<V1SuccessPolicy>["rules"]>[number];

function validateSuccessRule(
  { succeededCount: count, succeededIndexes: indexes }: SuccessRule,
  completions: number,
  path: string,
  out: Causes,
): void {
  if (count === undefined && indexes === undefined) {
    out.required(path, "at least one of succeededCount or succeededIndexes must be specified");
  }
  let total = 0;
  if (indexes !== undefined) {
    const at = `${path}.succeededIndexes`;
    if (indexes.length > maxIndexesText) out.tooLong(at, maxIndexesText);
    const found = countIndexes(indexes, completions);
    if (typeof found === "string") out.invalid(at, indexes, `error parsing succeededIndexes: ${found}`);
    else total = found;
  }
  if (count === undefined) return;
  const at = `${path}.succeededCount`;
  out.nonNegative(at, count);
  if (count > completions) {
    out.invalid(at, count, `must be less than or equal to ${completions} (the number of specified completions)`);
  }
  if (indexes !== undefined && count > total) {
    const words = `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`;
    out.invalid(at, count, words);
  }
}

/** Where failures count by their pods, a pod counts as failed only when it has ended. */
export function validateReplacement(
  { podReplacementPolicy: policy, podFailurePolicy }: JobSpec,
  path: string,
  out: Causes,
): void {
  const supported = podFailurePolicy ? ["Failed"] : ["Failed", "TerminatingOrFailed"];
  if (policy !== undefined && !supported.includes(policy)) out.notSupported(path, policy, supported);
}
