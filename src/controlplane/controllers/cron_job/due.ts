/** Which run of a schedule is due (pkg/controller/cronjob/utils.go mostRecentScheduleTime). Pure. */
import type { CronJob } from "../../../model/kubernetes.ts";
import type { Schedule } from "./schedule.ts";

/** Against clocks that differ a little: the next run is looked for so much after it is due, in ms. */
const deltaMs = 100;
const manyMissed = 100;

interface Recent {
  readonly earliestMs: number;
  /** The last run that should have been made. */
  readonly recentMs?: number;
  readonly missed: "none" | "few" | "many";
}

/** @returns undefined where the schedule never comes (31 February) */
function recent(
  { metadata, spec, status }: CronJob,
  schedule: Schedule,
  nowMs: number,
  withDeadline: boolean,
): Recent | undefined {
  let earliestMs = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp);
  if (withDeadline && spec.startingDeadlineSeconds !== undefined) {
    earliestMs = Math.max(earliestMs, nowMs - spec.startingDeadlineSeconds * 1000);
  }
  const first = schedule.next(earliestMs);
  if (first === undefined) return undefined;
  if (nowMs < first) return { earliestMs, missed: "none" };
  const second = schedule.next(first);
  if (second === undefined || nowMs < second) return { earliestMs, recentMs: first, missed: "none" };
  const between = second - first;
  const count = Math.floor((nowMs - first) / between) + 1;
  // One step back, for schedules whose runs are not evenly apart.
  let recentMs: number | undefined;
  for (let at = schedule.next(first + (count - 2) * between); at !== undefined && at <= nowMs; at = schedule.next(at)) {
    recentMs = at;
  }
  return { earliestMs, ...(recentMs === undefined ? {} : { recentMs }), missed: count > manyMissed ? "many" : "few" };
}

export interface Due {
  readonly atMs?: number;
  readonly isInvalid?: boolean;
  readonly hasMissedMany?: boolean;
}

export function dueRun(cronJob: CronJob, schedule: Schedule, nowMs: number): Due {
  const found = recent(cronJob, schedule, nowMs, true);
  if (!found) return { isInvalid: true };
  if (found.recentMs === undefined || found.recentMs > nowMs) return {};
  return { atMs: found.recentMs, hasMissedMany: found.missed === "many" };
}

/** How long until the next run is due. */
export function nextRunInMs(cronJob: CronJob, schedule: Schedule, nowMs: number): number | undefined {
  const found = recent(cronJob, schedule, nowMs, false);
  if (!found) return undefined;
  const from = found.recentMs ?? (found.missed === "none" ? found.earliestMs : nowMs);
  const next = schedule.next(from);
  return next === undefined ? undefined : Math.max(0, next + deltaMs - nowMs);
}
