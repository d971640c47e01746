/** When a finished Job is to be deleted (KEP-592). */
import type { Job } from "../../../model/kubernetes.ts";
import { conditionOf } from "../job/conditions.ts";

/** @returns ms until it is due, 0 where it is; undefined where it never is */
export function dueInMs(job: Job, nowMs: number): number | undefined {
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
  const finished = conditionOf(job, "Complete") ?? conditionOf(job, "Failed");
  if (!finished?.lastTransitionTime) return undefined;
  return Math.max(0, Date.parse(finished.lastTransitionTime) + ttl * 1000 - nowMs);
}
