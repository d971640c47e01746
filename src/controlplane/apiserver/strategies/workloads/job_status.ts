/**
 * What a Job's status may say (batch/validation, ValidateJobStatusUpdate): any controller may write it where managedBy
 * says so (KEP-4368). What was wrong before may stay, as long as it does not change.
 */
import type { V1JobStatus } from "@kubernetes/client-node";
import type { ApiObject } from "../../resources/resource.ts";
import type { Causes } from "../../validation/causes.ts";
import { semanticEqual } from "../../../../model/equality.ts";
import { partOf, type Json } from "../../validation/json.ts";
import { countIndexes, sharedIndex } from "./indexes.ts";
import type { JobSpec } from "./job_model.ts";

type Status = Json<V1JobStatus>;

const counts = ["active", "succeeded", "failed", "ready", "terminating"] as const;
const conditionsPath = "status.conditions";

export function validateJobStatus(object: ApiObject, oldObject: ApiObject, out: Causes): void {
  const status = partOf<V1JobStatus>(object, "status");
  const old = partOf<V1JobStatus>(oldObject, "status");
  const spec = (object["spec"] ?? {}) as JobSpec;
  for (const field of counts) out.nonNegative(`status.${field}`, status[field]);
  validateUncounted(status, out);
  const context = { spec, status, old, changed: changesOf(status, old) };
  validateConditions(context, out);
  validateTimes(context, out);
  validateFinished(context, out);
  validateIndexes(context, out);
  validateTransition(context, out);
}

interface Context {
  readonly spec: JobSpec;
  readonly status: Status;
  readonly old: Status;
  readonly changed: ReturnType<typeof changesOf>;
}

function is({ conditions = [] }: Status, type: string): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === "True");
}

function isFinished(status: Status): boolean {
  return is(status, "Complete") || is(status, "Failed");
}

/** Which fields, and which conditions, the update changes. */
function changesOf(status: Status, old: Status) {
  return {
    finished: isFinished(status) !== isFinished(old),
    condition: (...types: string[]) => types.some((type) => is(status, type) !== is(old, type)),
    field: (...fields: (keyof Status)[]) => fields.some((field) => !semanticEqual(status[field], old[field])),
  };
}

function validateUncounted({ uncountedTerminatedPods: pods }: Status, out: Causes): void {
  const seen = new Set<string>();
  for (const list of ["succeeded", "failed"] as const) {
    for (const [i, uid] of (pods?.[list] ?? []).entries()) {
      const path = `status.uncountedTerminatedPods.${list}[${i}]`;
      if (uid === "") out.invalid(path, uid, "must not be empty");
      else if (seen.has(uid)) out.duplicate(path, uid);
      seen.add(uid);
    }
  }
}

function validateConditions({ spec, status, changed }: Context, out: Causes): void {
  const refuse = (words: string): void => out.invalidPlain(conditionsPath, words);
  const [complete, failed] = [is(status, "Complete"), is(status, "Failed")];
  const [criteria, target] = [is(status, "SuccessCriteriaMet"), is(status, "FailureTarget")];
  if (changed.condition("Complete", "Failed") && complete && failed) {
    refuse("cannot set Complete=True and Failed=true conditions");
  }
  if (changed.condition("Complete", "FailureTarget") && complete && target) {
    refuse("cannot set Complete=True and FailureTarget=true conditions");
  }
  if (changed.condition("Failed", "FailureTarget") && failed && !target) {
    refuse("cannot set Failed=True condition without the FailureTarget=true condition");
  }
  if (changed.condition("Complete", "SuccessCriteriaMet") && complete && !criteria) {
    refuse("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
  if (criteria && failed) refuse("cannot set SuccessCriteriaMet=True and Failed=true conditions");
  if (criteria && target) refuse("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
  if (spec.successPolicy && !criteria && complete) {
    refuse("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
  }
}

function validateTimes({ status, changed }: Context, out: Causes): void {
  const path = "status.completionTime";
  const { startTime, completionTime } = status;
  if (changed.condition("Complete") || changed.field("completionTime")) {
    if (completionTime && !is(status, "Complete")) {
      out.invalid(path, completionTime, "cannot set completionTime when there is no Complete=True condition");
    }
    if (!completionTime && is(status, "Complete")) out.required(path, "completionTime is required for Complete jobs");
  }
  const isReversed = startTime && completionTime && Date.parse(completionTime) < Date.parse(startTime);
  if (isReversed && changed.field("startTime", "completionTime")) {
    out.invalid(path, completionTime, "completionTime cannot be set before startTime");
  }
}

/** What has ended has nothing that still runs. */
function validateFinished({ spec, status, changed }: Context, out: Causes): void {
  const { active = 0, ready = 0, terminating = 0, uncountedTerminatedPods: pods } = status;
  if (ready > active && changed.field("ready", "active")) {
    out.invalid("status.ready", ready, "cannot set more ready pods than active");
  }
  if (!isFinished(status)) return;
  const may = (field: keyof Status): boolean => !changed.finished && !changed.field(field);
  if (active > 0 && !may("active")) out.invalid("status.active", active, "active>0 is invalid for finished job");
  const neverBegan = spec.suspend === true && spec.completions === 0;
  if (!status.startTime && !may("startTime") && !neverBegan) {
    out.required("status.startTime", "startTime is required for finished job");
  }
  const uncounted = (pods?.failed ?? []).length + (pods?.succeeded ?? []).length;
  if (uncounted > 0 && !may("uncountedTerminatedPods")) {
    const words = "uncountedTerminatedPods needs to be empty for finished job";
    out.invalid("status.uncountedTerminatedPods", pods, words);
  }
  if (terminating > 0 && !may("terminating")) {
    out.invalid("status.terminating", terminating, "terminating>0 is invalid for finished job");
  }
}

function validateIndexes({ spec, status, changed }: Context, out: Causes): void {
  const { completions, backoffLimitPerIndex, completionMode } = spec;
  const { completedIndexes = "", failedIndexes } = status;
  if (changed.field("completedIndexes")) {
    validateList("completedIndexes", completedIndexes, completions, out);
    if (completedIndexes !== "" && completionMode !== "Indexed") {
      const words = "cannot set non-empty completedIndexes when non-indexed completion mode";
      out.invalid("status.completedIndexes", completedIndexes, words);
    }
  }
  if (failedIndexes === undefined) return;
  if (changed.field("failedIndexes")) {
    if (backoffLimitPerIndex !== undefined) validateList("failedIndexes", failedIndexes, completions, out);
    else {
      const words = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
      out.invalid("status.failedIndexes", failedIndexes, words);
    }
  }
  if (completions === undefined || !changed.field("failedIndexes", "completedIndexes")) return;
  const shared = sharedIndex(completedIndexes, failedIndexes, completions);
  if (shared === undefined) return;
  out.invalid("status.failedIndexes", failedIndexes, `failedIndexes and completedIndexes overlap at index: ${shared}`);
}

function validateList(field: string, text: string, completions: number | undefined, out: Causes): void {
  const found = completions === undefined ? 0 : countIndexes(text, completions);
  if (typeof found === "string") out.invalid(`status.${field}`, text, `error parsing ${field}: ${found}`);
}

/** What was said before and may not be taken back. */
function validateTransition({ spec, status, old, changed }: Context, out: Causes): void {
  for (const type of ["Failed", "Complete", "FailureTarget"]) {
    if (is(old, type) && !is(status, type)) {
      out.invalidPlain(conditionsPath, `cannot disable the terminal ${type}=True condition`);
    }
  }
  if ((status.failed ?? 0) < (old.failed ?? 0)) {
    out.invalid("status.failed", status.failed ?? 0, "cannot decrease the failed counter");
  }
  // An elastic Job's may: it can be made smaller.
  const isElastic = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (!isElastic && (status.succeeded ?? 0) < (old.succeeded ?? 0)) {
    out.invalid("status.succeeded", status.succeeded ?? 0, "cannot decrease the succeeded counter");
  }
  if (status.completionTime && old.completionTime && changed.field("completionTime")) {
    out.invalid("status.completionTime", status.completionTime, "completionTime cannot be mutated");
  }
  // Resuming sets it anew (kubernetes issue 134521, since 1.34.2).
  const isResumed = is(old, "Suspended") && !is(status, "Suspended");
  if (old.startTime && changed.field("startTime") && spec.suspend !== true && !isResumed) {
    out.required("status.startTime", "startTime cannot be removed for unsuspended job");
  }
  const [had, has] = [is(old, "SuccessCriteriaMet"), is(status, "SuccessCriteriaMet")];
  if (had && !has) out.invalidPlain(conditionsPath, "cannot disable the SuccessCriteriaMet=True condition");
  if (is(old, "Complete") && !had && has) {
    const words = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
    out.invalidPlain(conditionsPath, words);
  }
}
