/**
 * Which ended pods go into the status, and which may go (KEP-2307): first their uids are written into
 * uncountedTerminatedPods, then their finalizer is removed, and only then are they added to the counters,
 * so that none is counted twice or not at all, whatever fails in between. Pure.
 */
import type { Pod } from "../../../model/kubernetes.ts";
import type { Ending, JobStatus } from "./conditions.ts";
import { judge } from "./failure_policy.ts";
import type { Facts } from "./facts.ts";
import { Indexes } from "./indexes.ts";
import { hasFailed, hasSucceeded, indexOf, isTracked, isValid } from "./job_pods.ts";

/** Uids that one status holds: they stay under 20 KB. */
export const maxUncounted = 500;

export interface Tracked {
  readonly succeeded: number;
  readonly failed: number;
  readonly uncounted: NonNullable<JobStatus["uncountedTerminatedPods"]>;
  readonly completedIndexes: string | undefined;
  /** Pods whose finalizer goes once the status is written. */
  readonly release: readonly Pod[];
  /** Whether nothing waits to be counted or released. */
  readonly isDone: boolean;
}

export function track(facts: Facts, ending: Ending | undefined): Tracked {
  const counted = countReleased(facts);
  const added = addEnded(facts, ending, counted.uncounted);
  const { indexes } = facts;
  const completed = indexes && indexes.counted.with(Indexes.of(added.newIndexes));
  const { succeeded, failed } = added.uncounted;
  return {
    succeeded: completed ? completed.total : counted.succeeded,
    failed: counted.failed,
    uncounted: {
      ...(succeeded.length === 0 ? {} : { succeeded }),
      ...(failed.length === 0 ? {} : { failed }),
    },
    completedIndexes: completed && (completed.toString() === "" ? undefined : completed.toString()),
    release: added.release,
    isDone: !added.isFull && added.release.length === 0 && succeeded.length + failed.length === 0,
  };
}

interface Uncounted {
  readonly succeeded: string[];
  readonly failed: string[];
}

/** Pods that have lost their finalizer move into the counters. */
function countReleased({ job, pods }: Facts): { succeeded: number; failed: number; uncounted: Uncounted } {
  const held = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const { uncountedTerminatedPods = {}, succeeded = 0, failed = 0 } = job.status ?? {};
  const move = (uids: readonly string[] = []): { still: string[]; gone: number } => {
    const still = uids.filter((uid) => held.has(uid));
    return { still, gone: uids.length - still.length };
  };
  const good = move(uncountedTerminatedPods.succeeded);
  const bad = move(uncountedTerminatedPods.failed);
  return {
    succeeded: succeeded + good.gone,
    failed: failed + bad.gone,
    uncounted: { succeeded: good.still, failed: bad.still },
  };
}

function addEnded(
  { job, pods, indexes }: Facts,
  ending: Ending | undefined,
  before: Uncounted,
): { uncounted: Uncounted; newIndexes: number[]; release: Pod[]; isFull: boolean } {
  const succeeded = new Set(before.succeeded);
  const failed = new Set(before.failed);
  const newIndexes: number[] = [];
  const release: Pod[] = [];
  const ordered = indexes ? [...pods].sort((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)) : pods;
  let isFull = false;
  for (const pod of ordered.filter(isTracked)) {
    const isFailed = hasFailed(pod, job);
    const isOver = ending !== undefined || job.metadata.deletionTimestamp !== undefined;
    if (!isOver && !hasSucceeded(pod) && !(isFailed && !isAwaited(pod, indexes))) continue;
    if (newIndexes.length + succeeded.size + failed.size >= maxUncounted) {
      isFull = true;
      break;
    }
    release.push(pod);
    const { uid } = pod.metadata;
    if (hasSucceeded(pod) && !failed.has(uid)) {
      if (!indexes) succeeded.add(uid);
      else if (isValid(pod, job) && !indexes.counted.has(indexOf(pod)!)) newIndexes.push(indexOf(pod)!);
    } else if (isFailed || ending?.type === "FailureTarget") {
      // When the Job has failed, so has every pod that has not ended.
      if (isValid(pod, job) && judge(job.spec.podFailurePolicy, pod).counts) failed.add(uid);
    }
  }
  return { uncounted: { succeeded: [...succeeded], failed: [...failed] }, newIndexes, release, isFull };
}

/** Its replacement still has to take over the count of failures. */
function isAwaited(pod: Pod, indexes: Facts["indexes"]): boolean {
  const index = indexOf(pod);
  return index !== undefined && indexes?.waiting.get(index)?.metadata.uid === pod.metadata.uid;
}
