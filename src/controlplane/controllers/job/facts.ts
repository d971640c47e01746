/** What a Job's pods come to, together with what its status has counted already. Pure. */
import type { Job, Pod } from "../../../model/kubernetes.ts";
import { isActive, isReady, isTerminating } from "../pods/state.ts";
import { judge } from "./failure_policy.ts";
import { Indexes } from "./indexes.ts";
import {
  failsIndex,
  hasFailed,
  hasSucceeded,
  indexOf,
  isIndexed,
  isLater,
  isTracked,
  isValid,
  replacesEndedOnly,
} from "./job_pods.ts";

export interface Facts {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: readonly Pod[];
  /** Ended and in no count yet. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  /** Counted, to be counted and about to be. */
  readonly succeeded: number;
  readonly failed: number;
  /** Of an indexed Job. */
  readonly indexes?: IndexFacts;
}

export interface IndexFacts {
  /** As the status says. */
  readonly counted: Indexes;
  readonly succeeded: Indexes;
  /** There with backoffLimitPerIndex alone. */
  readonly failed: Indexes | undefined;
  /** Indexes that need no new pod. */
  readonly taken: Indexes;
  /** By index, the failed pod that stays until its replacement has taken over its count. */
  readonly waiting: ReadonlyMap<number, Pod>;
}

export function factsOf(job: Job, pods: readonly Pod[]): Facts {
  const { uncountedTerminatedPods: uncounted = {}, succeeded = 0, failed = 0 } = job.status ?? {};
  const uncountedSucceeded = new Set(uncounted.succeeded);
  const uncountedFailed = new Set(uncounted.failed);
  const tracked = pods.filter((pod) => isTracked(pod) && isValid(pod, job));
  const newSucceeded = tracked.filter((pod) => hasSucceeded(pod) && !uncountedSucceeded.has(pod.metadata.uid));
  const newFailed = tracked.filter((pod) => hasFailed(pod, job) && !uncountedFailed.has(pod.metadata.uid));
  const active = pods.filter(isActive);
  const counting = newFailed.filter((pod) => judge(job.spec.podFailurePolicy, pod).counts).length;
  const terminating = pods.filter(isTerminating);
  const indexes = isIndexed(job) ? indexFacts(job, pods, active, terminating) : undefined;
  return {
    job,
    pods,
    active,
    ready: active.filter(isReady).length,
    terminating,
    newSucceeded,
    newFailed,
    succeeded: indexes ? indexes.succeeded.total : succeeded + newSucceeded.length + uncountedSucceeded.size,
    failed: failed + counting + uncountedFailed.size,
    ...(indexes ? { indexes } : {}),
  };
}

function indexFacts(job: Job, pods: readonly Pod[], active: readonly Pod[], terminating: readonly Pod[]): IndexFacts {
  const completions = job.spec.completions ?? 0;
  const tracked = pods.filter((pod) => isTracked(pod) && isValid(pod, job));
  const indexesOf = (some: readonly Pod[]): Indexes => Indexes.of(some.map(indexOf).filter((one) => one !== undefined));
  const counted = Indexes.parse(job.status?.completedIndexes, completions);
  const succeeded = counted.with(indexesOf(tracked.filter(hasSucceeded)));
  const failed =
    job.spec.backoffLimitPerIndex === undefined
      ? undefined
      : Indexes.parse(job.status?.failedIndexes, completions).with(
          indexesOf(tracked.filter((pod) => failsIndex(pod, job))),
        );
  const running = indexesOf(active);
  const ending = replacesEndedOnly(job) ? indexesOf(terminating) : Indexes.none;
  const taken = succeeded
    .with(running)
    .with(ending)
    .with(failed ?? Indexes.none);
  const waiting = new Map<number, Pod>();
  for (const pod of failed ? tracked.filter((one) => hasFailed(one, job)) : []) {
    const index = indexOf(pod)!;
    if (succeeded.has(index) || failed!.has(index) || running.has(index)) continue;
    const before = waiting.get(index);
    if (!before || isLater(pod, before)) waiting.set(index, pod);
  }
  return { counted, succeeded, failed, taken, waiting };
}
