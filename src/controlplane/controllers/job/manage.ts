/** How many pods of a Job run (pkg/controller/job manageJob). Pure. */
import type { New, Pod } from "../../../model/kubernetes.ts";
import { rankForDeletion } from "../pods/ranking.ts";
import { allFailuresBefore, indexOf, isIndexed, isSuspended, newPod, replacesEndedOnly } from "./job_pods.ts";
import { backoffMs, finishedMs, type Backoff } from "./backoff.ts";
import type { Facts, IndexFacts } from "./facts.ts";

/** Pods that one reconciliation makes or deletes at most. */
export const maxPodsAtOnce = 500;

export interface Managed {
  readonly create: readonly New<Pod>[];
  readonly remove: readonly Pod[];
  /** Until failed pods may be replaced. */
  readonly againAfterMs?: number;
}

const nothing: Managed = { create: [], remove: [] };

export function manage(facts: Facts, backoff: Backoff, nowMs: number): Managed {
  const { job, active } = facts;
  if (isSuspended(job)) return { ...nothing, remove: active };
  const wanted = wantedActive(facts);
  const remove = surplus(facts, Math.max(0, active.length - wanted), nowMs).slice(0, maxPodsAtOnce);
  // Deletion comes first: of an index that is there twice, one has to go before another is made.
  if (remove.length > 0) return { ...nothing, remove };
  const terminating = replacesEndedOnly(job) ? facts.terminating.length : 0;
  const lacking = Math.min(maxPodsAtOnce, wanted - terminating - active.length);
  if (lacking <= 0) return nothing;
  if (job.spec.backoffLimitPerIndex === undefined) {
    const waitMs = backoffMs(backoff, nowMs);
    if (waitMs > 0) return { ...nothing, againAfterMs: waitMs };
  }
  if (!facts.indexes) return { ...nothing, create: Array.from({ length: lacking }, () => newPod(job)) };
  return createIndexes(facts, facts.indexes, lacking, nowMs);
}

function wantedActive({ job, active, succeeded }: Facts): number {
  const { completions, parallelism = 1 } = job.spec;
  // A work queue: as many as may run until the first has succeeded; then no more are made.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

function createIndexes({ job }: Facts, indexes: IndexFacts, lacking: number, nowMs: number): Managed {
  const missing = indexes.taken.missing(lacking, job.spec.completions ?? 0);
  const waits = missing.map((index) => waitOf(indexes.waiting.get(index), nowMs));
  const due = missing.filter((_, i) => waits[i] === 0);
  if (due.length === 0 && missing.length > 0) return { ...nothing, againAfterMs: Math.min(...waits) };
  const later = waits.filter((ms) => ms > 0);
  return {
    ...nothing,
    create: due.map((index) => newPod(job, index, indexes.waiting.get(index))),
    ...(later.length === 0 ? {} : { againAfterMs: Math.min(...later) }),
  };
}

/** Each index waits for itself (KEP-3850). */
function waitOf(failed: Pod | undefined, nowMs: number): number {
  if (!failed) return 0;
  const failures = allFailuresBefore(failed) + 1;
  return backoffMs({ failuresAfterLastSuccess: failures, lastFailureMs: finishedMs(failed) }, nowMs);
}

/** Those without a place in an indexed Job, then as many as are too many, the least advanced first. */
function surplus({ job, active }: Facts, atLeast: number, nowMs: number): readonly Pod[] {
  const { misplaced, left } = isIndexed(job)
    ? byPlace(active, job.spec.completions ?? 0, nowMs)
    : { misplaced: [], left: active };
  if (misplaced.length >= atLeast) return misplaced;
  return [...misplaced, ...rankForDeletion(left, [], nowMs).slice(0, atLeast - misplaced.length)];
}

function byPlace(pods: readonly Pod[], completions: number, nowMs: number): { misplaced: Pod[]; left: Pod[] } {
  const misplaced: Pod[] = [];
  const left: Pod[] = [];
  const places = new Map<number, Pod[]>();
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= completions) misplaced.push(pod);
    else if (places.has(index)) places.get(index)!.push(pod);
    else places.set(index, [pod]);
  }
  for (const same of places.values()) {
    const ranked = rankForDeletion(same, [], nowMs);
    misplaced.push(...ranked.slice(0, -1));
    left.push(ranked.at(-1)!);
  }
  return { misplaced, left };
}
