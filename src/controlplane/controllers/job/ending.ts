/** Whether a Job is over, and why (pkg/controller/job syncJob). Pure. */
import type { Job, Pod } from "../../../model/kubernetes.ts";
import { conditionOf, type Ending } from "./conditions.ts";
import { judge } from "./failure_policy.ts";
import type { Facts } from "./facts.ts";
import { hasFailed, isSuspended } from "./job_pods.ts";
import { metSuccessPolicy } from "./success_policy.ts";

export const completionsReached: Ending = {
  type: "SuccessCriteriaMet",
  reason: "CompletionsReached",
  message: "Reached expected number of succeeded pods",
};

const failure = (reason: string, message: string): Ending => ({ type: "FailureTarget", reason, message });

/** @returns what ends the Job, other than that its completions are reached */
export function endingOf(facts: Facts, nowMs: number): Ending | undefined {
  const { job } = facts;
  return decided(job) ?? byPolicy(job, facts.pods) ?? byLimits(facts, nowMs) ?? byIndexes(facts);
}

/** What an earlier reconciliation decided stays. */
function decided(job: Job): Ending | undefined {
  for (const type of ["SuccessCriteriaMet", "FailureTarget"] as const) {
    const { reason = "", message = "" } = conditionOf(job, type) ?? {};
    if (conditionOf(job, type)) return { type, reason, message };
  }
  return undefined;
}

function byPolicy(job: Job, pods: readonly Pod[]): Ending | undefined {
  const policy = job.spec.podFailurePolicy;
  if (!policy) return undefined;
  for (const pod of pods) {
    const message = hasFailed(pod, job) ? judge(policy, pod).failsJob : undefined;
    if (message !== undefined) return failure("PodFailurePolicy", message);
  }
  return undefined;
}

function byLimits({ job, pods, failed }: Facts, nowMs: number): Ending | undefined {
  const { backoffLimit = 6 } = job.spec;
  if (failed > backoffLimit || hasRestartedTooOften(job, pods, backoffLimit)) {
    return failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  const left = deadlineInMs(job, nowMs);
  if (left === undefined || left > 0) return undefined;
  return failure("DeadlineExceeded", "Job was active longer than specified deadline");
}

/** Of pods that restart in place their containers' restarts are the failures. */
function hasRestartedTooOften({ spec }: Job, pods: readonly Pod[], limit: number): boolean {
  if (spec.template.spec?.restartPolicy !== "OnFailure") return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === "Running" || status?.phase === "Pending")
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0);
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** @returns undefined where there is none, or time stands still */
export function deadlineInMs(job: Job, nowMs: number): number | undefined {
  const seconds = job.spec.activeDeadlineSeconds;
  const start = job.status?.startTime;
  if (seconds === undefined || !start || isSuspended(job)) return undefined;
  return Date.parse(start) + seconds * 1000 - nowMs;
}

function byIndexes({ job, indexes }: Facts): Ending | undefined {
  if (!indexes) return undefined;
  const { completions = 0, maxFailedIndexes } = job.spec;
  const failed = indexes.failed?.total ?? 0;
  if (indexes.failed && maxFailedIndexes !== undefined && failed > maxFailedIndexes) {
    const message = "Job has exceeded the specified maximal number of failed indexes";
    return failure("MaxFailedIndexesExceeded", message);
  }
  if (failed > 0 && failed + indexes.succeeded.total >= completions) {
    return failure("FailedIndexes", "Job has failed indexes");
  }
  const met = metSuccessPolicy(job, indexes.succeeded);
  return met === undefined ? undefined : { type: "SuccessCriteriaMet", reason: "SuccessPolicy", message: met };
}
