/** What a Job needs next: pods made, deleted or let go, and its status (pkg/controller/job syncJob). */
import type { Job, New, Pod } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { isReady } from "../pods/state.ts";
import { nextBackoff, type Backoff } from "./backoff.ts";
import {
  condition,
  conditionOf,
  isFinished,
  withCondition,
  type Condition,
  type Ending,
  type JobStatus,
} from "./conditions.ts";
import { completionsReached, deadlineInMs, endingOf } from "./ending.ts";
import { factsOf, type Facts } from "./facts.ts";
import { isSuspended, isTracked } from "./job_pods.ts";
import { manage, type Managed } from "./manage.ts";
import { track } from "./tracking.ts";

export interface Observed {
  readonly job: Job;
  /** All that it controls. */
  readonly pods: readonly Pod[];
  readonly backoff: Backoff;
}

export type Step =
  | { readonly kind: "create-pods"; readonly pods: readonly New<Pod>[] }
  /** @property isReleased whether the finalizer goes first: what was never counted needs no counting */
  | { readonly kind: "delete-pods"; readonly pods: readonly Pod[]; readonly isReleased: boolean };

export interface JobEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface Plan {
  /** First. */
  readonly steps: readonly Step[];
  /** Second, where it differs from the one that is stored. */
  readonly status?: JobStatus;
  /** Told once the status is written. */
  readonly events: readonly JobEvent[];
  /** Third: pods whose finalizer is removed, which brings the next reconciliation. */
  readonly release: readonly Pod[];
  readonly backoff: Backoff;
  readonly againAfterMs?: number;
}

/** The Job controller's own name in spec.managedBy (KEP-4368). */
const controllerName = "kubernetes.io/job-controller";

export function isManagedElsewhere({ spec }: Job): boolean {
  return spec.managedBy !== undefined && spec.managedBy !== controllerName;
}

export function plan({ job: observed, pods, backoff: before }: Observed, nowMs: number): Plan {
  if (isFinished(observed)) return { steps: [], events: [], release: pods.filter(isTracked), backoff: before };
  const job = started(observed, nowMs);
  const facts = factsOf(job, pods);
  const backoff = nextBackoff(before, facts.newSucceeded, facts.newFailed);
  const ending = endingOf(facts, nowMs);
  if (ending) return end(facts, ending, backoff, nowMs);
  const isLeaving = job.metadata.deletionTimestamp !== undefined;
  const managed: Managed = isLeaving ? { create: [], remove: [] } : manage(facts, backoff, nowMs);
  const active = facts.active.length - managed.remove.length + managed.create.length;
  if (isComplete(facts, active)) return withSteps(end(facts, completionsReached, backoff, nowMs), stepsOf(managed));
  return goOn(facts, managed, backoff, nowMs);
}

/** activeDeadlineSeconds counts from the last time that it was resumed, before anybody looks at it. */
function started(job: Job, nowMs: number): Job {
  if (isSuspended(job) || (job.status?.startTime && !conditionOf(job, "Suspended"))) return job;
  return { ...job, status: { ...job.status, startTime: timestamp(nowMs) } };
}

/** A work queue is complete when one has succeeded and none runs any more. */
function isComplete({ job, succeeded }: Facts, active: number): boolean {
  return active === 0 && succeeded >= (job.spec.completions ?? 1);
}

function stepsOf({ create, remove }: Managed): Step[] {
  const steps: Step[] = [];
  if (remove.length > 0) steps.push({ kind: "delete-pods", pods: remove, isReleased: true });
  if (create.length > 0) steps.push({ kind: "create-pods", pods: create });
  return steps;
}

function withSteps(planned: Plan, steps: readonly Step[]): Plan {
  return { ...planned, steps: [...steps, ...planned.steps] };
}

/** Everything goes; when nothing is left to count or to wait for, the Job is finished. */
function end(facts: Facts, ending: Ending, backoff: Backoff, nowMs: number): Plan {
  const { job, active } = facts;
  const tracked = track(facts, ending);
  const interim = withCondition(
    job.status?.conditions ?? [],
    condition(ending.type, ending.reason, ending.message, nowMs),
  );
  const terminating = facts.terminating.length + active.length;
  const isOver = tracked.isDone && terminating === 0;
  const status = statusOf(facts, tracked, { active: 0, ready: 0, terminating }, interim);
  return {
    steps: active.length === 0 ? [] : [{ kind: "delete-pods", pods: active, isReleased: false }],
    status: isOver ? finished(status, ending, nowMs) : status,
    events: isOver ? endEvents(job, status, ending) : [],
    release: tracked.release,
    backoff,
  };
}

function finished(status: JobStatus, { type, reason, message }: Ending, nowMs: number): JobStatus {
  const isComplete = type === "SuccessCriteriaMet";
  const final = condition(isComplete ? "Complete" : "Failed", reason, message, nowMs);
  const conditions = withCondition(status.conditions ?? [], final);
  return { ...status, conditions, ...(isComplete ? { completionTime: timestamp(nowMs) } : {}) };
}

function endEvents({ spec }: Job, { succeeded = 0 }: JobStatus, { type, reason, message }: Ending): JobEvent[] {
  if (type === "FailureTarget") return [{ type: "Warning", reason, message }];
  const completed: JobEvent = { type: "Normal", reason: "Completed", message: "Job completed" };
  if (spec.completions === undefined || succeeded <= spec.completions) return [completed];
  const tooMany = "Too many succeeded pods running after completion count reached";
  return [{ type: "Warning", reason: "TooManySucceededPods", message: tooMany }, completed];
}

function goOn(facts: Facts, managed: Managed, backoff: Backoff, nowMs: number): Plan {
  const { job, active } = facts;
  const tracked = track(facts, undefined);
  const { conditions, events } = suspension(job, nowMs);
  const gone = managed.remove;
  const counts = {
    active: active.length - gone.length + managed.create.length,
    ready: facts.ready - gone.filter(isReady).length,
    terminating: facts.terminating.length + gone.length,
  };
  const status = statusOf(facts, tracked, counts, conditions);
  const waits = [managed.againAfterMs, deadlineInMs(job, nowMs)];
  const waitMs = Math.min(...waits.filter((ms) => ms !== undefined));
  return {
    steps: stepsOf(managed),
    status,
    events,
    release: tracked.release,
    backoff,
    ...(waitMs === Infinity ? {} : { againAfterMs: waitMs }),
  };
}

function suspension(job: Job, nowMs: number): { conditions: readonly Condition[]; events: JobEvent[] } {
  const before = job.status?.conditions ?? [];
  if (job.metadata.deletionTimestamp !== undefined) return { conditions: before, events: [] };
  const [reason, message, status] = isSuspended(job)
    ? (["Suspended", "Job suspended", "True"] as const)
    : (["Resumed", "Job resumed", "False"] as const);
  const conditions = withCondition(before, condition("Suspended", `Job${reason}`, message, nowMs, status));
  return { conditions, events: conditions === before ? [] : [{ type: "Normal", reason, message }] };
}

/** Zeros that upstream's JSON leaves out are left out. */
function statusOf(
  { job, indexes }: Facts,
  tracked: ReturnType<typeof track>,
  { active, ready, terminating }: { active: number; ready: number; terminating: number },
  conditions: readonly Condition[],
): JobStatus {
  const { startTime } = job.status ?? {};
  return {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime ? { startTime } : {}),
    ...(active === 0 ? {} : { active }),
    ...(tracked.succeeded === 0 ? {} : { succeeded: tracked.succeeded }),
    ...(tracked.failed === 0 ? {} : { failed: tracked.failed }),
    terminating,
    ...(tracked.completedIndexes === undefined ? {} : { completedIndexes: tracked.completedIndexes }),
    ...(indexes?.failed ? { failedIndexes: indexes.failed.toString() } : {}),
    uncountedTerminatedPods: tracked.uncounted,
    ready,
  };
}
