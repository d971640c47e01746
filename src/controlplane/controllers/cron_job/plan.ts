/** What a CronJob needs next: a Job made, others deleted, its status (pkg/controller/cronjob). */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { CronJob, Job, New } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { conditionOf, isFinished } from "../job/conditions.ts";
import { controllerRef } from "../ownership.ts";
import { dueRun, nextRunInMs } from "./due.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";
import { isZone, zonedTime } from "./zone.ts";

export interface Observed {
  readonly cronJob: CronJob;
  /** All that it controls. */
  readonly jobs: readonly Job[];
  /** The server's, for those that name none. */
  readonly localZone: string;
}

export interface CronEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

type Status = NonNullable<CronJob["status"]>;
type Reference = NonNullable<Status["active"]>[number];

export interface Run {
  readonly job: New<Job>;
  /** Put into the status with the Job's reference once it is made. */
  readonly lastScheduleTime: string;
}

export interface Plan {
  readonly events: readonly CronEvent[];
  readonly remove: readonly Job[];
  readonly create?: Run;
  readonly status: Status;
  readonly againAfterMs?: number;
}

const scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";

const warning = (reason: string, message: string): CronEvent => ({ type: "Warning", reason, message });
const normal = (reason: string, message: string): CronEvent => ({ type: "Normal", reason, message });

export function plan({ cronJob, jobs, localZone }: Observed, nowMs: number): Plan {
  const { status, events } = account(cronJob, jobs);
  const old = surplus(cronJob, jobs);
  const counted = { ...cronJob, status };
  const run = decide(counted, jobs, localZone, nowMs);
  return {
    events: [...events, ...run.events],
    remove: [...run.remove, ...old],
    ...(run.create ? { create: run.create } : {}),
    status: withoutActive(status, run.remove),
    ...(run.againAfterMs === undefined ? {} : { againAfterMs: run.againAfterMs }),
  };
}

/** Brings the status up to what the Jobs say. */
function account({ status = {} }: CronJob, jobs: readonly Job[]): { status: Status; events: CronEvent[] } {
  const events: CronEvent[] = [];
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]));
  const known = new Set((status.active ?? []).map(({ uid }) => uid));
  for (const job of jobs) {
    if (known.has(job.metadata.uid) || isFinished(job)) continue;
    const { name } = job.metadata;
    events.push(warning("UnexpectedJob", `Saw a job that the controller did not create or forgot: ${name}`));
  }
  const active = (status.active ?? []).filter(({ uid, name = "" }) => {
    const job = byUid.get(uid ?? "");
    if (!job) events.push(normal("MissingJob", `Active job went missing: ${name}`));
    else if (isFinished(job)) {
      const outcome = conditionOf(job, "Complete") ? "Complete" : "Failed";
      events.push(normal("SawCompletedJob", `Saw completed job: ${name}, condition: ${outcome}`));
    }
    return job !== undefined && !isFinished(job);
  });
  const successes = jobs.filter((job) => conditionOf(job, "Complete")).map((job) => job.status?.completionTime ?? "");
  const lastSuccessfulTime = [status.lastSuccessfulTime ?? "", ...successes].sort().at(-1)!;
  const { active: _, ...rest } = status;
  return {
    status: {
      ...rest,
      ...(active.length === 0 ? {} : { active }),
      ...(lastSuccessfulTime === "" ? {} : { lastSuccessfulTime }),
    },
    events,
  };
}

/** Finished Jobs beyond the history's limits, the oldest first. */
function surplus({ spec, metadata }: CronJob, jobs: readonly Job[]): readonly Job[] {
  if (metadata.deletionTimestamp !== undefined) return [];
  const ofOutcome = (type: string, limit: number | undefined): readonly Job[] => {
    if (limit === undefined) return [];
    const done = jobs.filter((job) => conditionOf(job, type) && job.metadata.deletionTimestamp === undefined);
    return [...done].sort(byStart).slice(0, Math.max(0, done.length - limit));
  };
  return [
    ...ofOutcome("Complete", spec.successfulJobsHistoryLimit),
    ...ofOutcome("Failed", spec.failedJobsHistoryLimit),
  ];
}

function byStart(a: Job, b: Job): number {
  const [first, second] = [a, b].map(({ status }) => status?.startTime ?? "9999");
  if (first === second) return a.metadata.name < b.metadata.name ? -1 : 1;
  return first! < second! ? -1 : 1;
}

interface Decision {
  readonly events: readonly CronEvent[];
  readonly remove: readonly Job[];
  readonly create?: Run;
  readonly againAfterMs?: number;
}

function decide(cronJob: CronJob, jobs: readonly Job[], localZone: string, nowMs: number): Decision {
  const { spec, metadata } = cronJob;
  const still = (...events: CronEvent[]): Decision => ({ events, remove: [] });
  if (metadata.deletionTimestamp !== undefined) return still();
  if (spec.timeZone !== undefined && !isZone(spec.timeZone)) {
    const message = `invalid timeZone: ${JSON.stringify(spec.timeZone)}: unknown time zone ${spec.timeZone}`;
    return still(warning("UnknownTimeZone", message));
  }
  if (spec.suspend === true) return still();
  const schedule = scheduleOf(cronJob, localZone);
  const unsupported = spec.schedule.includes("TZ") ? [unsupportedZone(spec.schedule)] : [];
  if (!schedule) {
    const message = `unparseable schedule: ${JSON.stringify(spec.schedule)} : it is of no known form`;
    return still(...unsupported, warning("UnparseableSchedule", message));
  }
  const { atMs, isInvalid, hasMissedMany } = dueRun(cronJob, schedule, nowMs);
  if (isInvalid) {
    const why = "time difference between two schedules is less than 1 second";
    return still(...unsupported, warning("InvalidSchedule", `invalid schedule: ${spec.schedule} : ${why}`));
  }
  const tooMany = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
  const events = [...unsupported, ...(hasMissedMany ? [warning("TooManyMissedTimes", tooMany)] : [])];
  const nextMs = nextRunInMs(cronJob, schedule, nowMs);
  const wait = nextMs === undefined ? {} : { againAfterMs: nextMs };
  if (atMs === undefined) return { events, remove: [], ...wait };
  const decision = runAt(cronJob, jobs, atMs, nowMs);
  if (!decision.create) return { ...decision, events: [...events, ...decision.events], ...wait };
  // From this run on.
  const started = { ...cronJob, status: { ...cronJob.status, lastScheduleTime: decision.create.lastScheduleTime } };
  const afterMs = nextRunInMs(started, schedule, nowMs);
  return {
    ...decision,
    events: [...events, ...decision.events],
    ...(afterMs === undefined ? {} : { againAfterMs: afterMs }),
  };
}

function runAt(cronJob: CronJob, jobs: readonly Job[], atMs: number, nowMs: number): Decision {
  const { spec, status, metadata } = cronJob;
  const skip = (...events: CronEvent[]): Decision => ({ events, remove: [] });
  const { startingDeadlineSeconds: deadline } = spec;
  if (deadline !== undefined && atMs + deadline * 1000 < nowMs) {
    return skip(warning("MissSchedule", `Missed scheduled time to start a job: ${rfc1123(atMs)}`));
  }
  const name = `${metadata.name}-${Math.floor(atMs / 60_000)}`;
  const active = status?.active ?? [];
  const isProcessed = active.some((one) => one.name === name) || status?.lastScheduleTime === timestamp(atMs);
  if (isProcessed) return skip();
  if (spec.concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    return skip(normal("JobAlreadyActive", message));
  }
  const running = new Set(active.map(({ uid }) => uid));
  const replaced = spec.concurrencyPolicy === "Replace" ? jobs.filter((job) => running.has(job.metadata.uid)) : [];
  return {
    events: [],
    remove: replaced,
    create: { job: jobOf(cronJob, name, atMs), lastScheduleTime: timestamp(atMs) },
  };
}

function jobOf(cronJob: CronJob, name: string, atMs: number): New<Job> {
  const { metadata = {}, spec } = cronJob.spec.jobTemplate;
  const { namespace = "" } = cronJob.metadata;
  return {
    metadata: {
      namespace,
      name,
      labels: metadata.labels ?? {},
      annotations: { ...metadata.annotations, [scheduledAnnotation]: zonedTime(atMs, cronJob.spec.timeZone ?? "UTC") },
      ownerReferences: [controllerRef(resourceTypes.cronJobs, cronJob)],
    },
    spec: spec!,
  };
}

/** A schedule from before the field spec.timeZone may name its own. */
export function scheduleOf({ spec }: CronJob, localZone: string): Schedule | undefined {
  const match = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(spec.schedule);
  const zone = match?.[1] ?? spec.timeZone ?? localZone;
  return isZone(zone) ? parseSchedule(match?.[2] ?? spec.schedule, zone) : undefined;
}

function unsupportedZone(schedule: string): CronEvent {
  const where = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/";
  const message = `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, see ${where} for more details`;
  return warning("UnsupportedSchedule", message);
}

/** "Thu, 01 Jan 2026 00:00:00 +0000" */
function rfc1123(ms: number): string {
  return new Date(ms).toUTCString().replace("GMT", "+0000");
}

export function withoutActive(status: Status, removed: readonly Job[]): Status {
  const gone = new Set(removed.map(({ metadata }) => metadata.uid));
  const { active = [], ...rest } = status;
  const left = active.filter(({ uid }) => !gone.has(uid ?? ""));
  return left.length === 0 ? rest : { ...rest, active: left };
}

export function withActive(status: Status, { metadata }: Job, lastScheduleTime: string): Status {
  const { name, namespace = "", uid, resourceVersion } = metadata;
  const reference: Reference = { apiVersion: "batch/v1", kind: "Job", name, namespace, uid, resourceVersion };
  return { ...status, active: [...(status.active ?? []), reference], lastScheduleTime };
}
