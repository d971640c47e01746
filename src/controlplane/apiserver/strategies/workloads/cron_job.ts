/** CronJobs (pkg/apis/batch). */
import type { V1CronJobSpec } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { ensurePart, partOf, setDefault, type Json } from "../../validation/json.ts";
import { defaultJobTemplate, validateJobSpec } from "./job_spec.ts";
import { scheduleError } from "./schedule.ts";

type CronJobSpec = Json<V1CronJobSpec>;
const specOf = (object: ApiObject): CronJobSpec => partOf<V1CronJobSpec>(object, "spec");

export const cronJob: Strategy = {
  defaults(object) {
    const spec: CronJobSpec = ensurePart<V1CronJobSpec>(object, "spec");
    setDefault(spec, "concurrencyPolicy", "Allow");
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    spec.jobTemplate ??= {};
    spec.jobTemplate.metadata ??= {};
    spec.jobTemplate.spec ??= {};
    defaultJobTemplate(spec.jobTemplate.spec);
  },

  prepareCreate(object) {
    object["status"] = {};
  },

  validateCreate: (object) => causesOf((out) => validateCronJob(object, undefined, out)),

  validateUpdate(object, old, subresource) {
    if (subresource === "status") return [];
    return causesOf((out) => validateCronJob(object, specOf(old), out));
  },
};

function validateCronJob(object: ApiObject, old: CronJobSpec | undefined, out: Causes): void {
  const spec = specOf(object);
  if (!spec.schedule) out.required("spec.schedule");
  else validateSchedule(spec, old?.schedule, out);
  out.nonNegative("spec.startingDeadlineSeconds", spec.startingDeadlineSeconds);
  if (spec.timeZone !== undefined && spec.timeZone !== old?.timeZone) validateTimeZone(spec.timeZone, out);
  out.enum("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]);
  validateTemplate(spec, out);
  out.nonNegative("spec.successfulJobsHistoryLimit", spec.successfulJobsHistoryLimit);
  out.nonNegative("spec.failedJobsHistoryLimit", spec.failedJobsHistoryLimit);
}

function validateSchedule({ schedule = "", timeZone }: CronJobSpec, old: string | undefined, out: Causes): void {
  const error = scheduleError(schedule);
  if (error !== undefined) out.invalid("spec.schedule", schedule, error);
  if (!schedule.includes("TZ")) return;
  // One that had it before it was forbidden keeps it.
  if (!old?.includes("TZ")) {
    out.invalid("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else if (timeZone !== undefined) {
    out.invalid("spec.schedule", schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule");
  }
}

/** https://data.iana.org/time-zones/theory.html#naming, and what older names have. */
const zonePart = /^(?!-)(?!\.{1,2}$)[A-Za-z.\-_0-9+]{1,14}$/;

function validateTimeZone(zone: string, out: Causes): void {
  const path = "spec.timeZone";
  if (zone === "") return out.invalid(path, zone, "timeZone must be nil or non-empty string");
  if (!zone.split("/").every((part) => zonePart.test(part))) {
    return out.invalid(path, zone, `unknown time zone ${zone}`);
  }
  if (zone.toLowerCase() === "local") {
    const words = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    return out.invalid(path, zone, words);
  }
  if (!isZone(zone)) out.invalid(path, zone, `unknown time zone ${zone}`);
}

/** In its own case: to most programs a zone is a file's name. */
function isZone(zone: string): boolean {
  try {
    const known = new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
    return known === zone || known.toLowerCase() !== zone.toLowerCase();
  } catch {
    return false;
  }
}

function validateTemplate({ jobTemplate }: CronJobSpec, out: Causes): void {
  const path = "spec.jobTemplate";
  const { spec = {} } = jobTemplate ?? {};
  validateJobSpec(spec, `${path}.spec`, out);
  if (spec.selector) out.invalid(`${path}.spec.selector`, spec.selector, "`selector` will be auto-generated");
  if (spec.manualSelector) out.notSupported(`${path}.spec.manualSelector`, true, ["nil", "false"]);
}
