/** A Job's pods: their indexes, whether they are counted yet, and those that it makes. Pure. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { Job, New, Pod } from "../../../model/kubernetes.ts";
import { controllerRef } from "../ownership.ts";
import { podFromTemplate } from "../pods/template.ts";
import { finishedMs } from "./backoff.ts";
import { judge } from "./failure_policy.ts";

/** Holds a pod until the Job's status has counted it (KEP-2307). */
export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
export const indexAnnotation = "batch.kubernetes.io/job-completion-index";
export const failureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";
export const ignoredFailureCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";
const indexVariable = "JOB_COMPLETION_INDEX";
/** The API server adds five letters to a prefix and cuts longer ones. */
const longestPrefix = 58;
const maxInt32 = 2 ** 31 - 1;

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(trackingFinalizer) ?? false;
export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === "Indexed";
export const isSuspended = ({ spec }: Job): boolean => spec.suspend === true;
export const hasSucceeded = ({ status }: Pod): boolean => status?.phase === "Succeeded";

/** Whether a pod is replaced only when it has ended (KEP-3939); else when it is being deleted too. */
export function replacesEndedOnly({ spec }: Job): boolean {
  return spec.podReplacementPolicy === "Failed" || spec.podFailurePolicy !== undefined;
}

/** Deleted ones count as failed: an orphan never reaches the phase. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === "Failed") return true;
  if (replacesEndedOnly(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && !hasSucceeded(pod);
}

/** @returns undefined where it has none */
export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** Of an indexed Job only those of an index that it has count. */
export function isValid(pod: Pod, job: Job): boolean {
  if (!isIndexed(job)) return true;
  const index = indexOf(pod);
  return index !== undefined && index < (job.spec.completions ?? 0);
}

function countOf({ metadata }: Pod, annotation: string): number {
  const text = metadata.annotations?.[annotation] ?? "";
  const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return count > maxInt32 ? 0 : count;
}

/** Failures of the index before this pod. */
export const failuresBefore = (pod: Pod): number => countOf(pod, failureCountAnnotation);
export const allFailuresBefore = (pod: Pod): number =>
  failuresBefore(pod) + countOf(pod, ignoredFailureCountAnnotation);

/** Whether this pod's failure is the last that its index may have (KEP-3850). */
export function failsIndex(pod: Pod, job: Job): boolean {
  if (!hasFailed(pod, job)) return false;
  const { action, counts } = judge(job.spec.podFailurePolicy, pod);
  return action === "FailIndex" || (counts && failuresBefore(pod) >= (job.spec.backoffLimitPerIndex ?? Infinity));
}

/** Of two failed pods of one index, whether the second is the later. */
export function isLater(pod: Pod, before: Pod): boolean {
  return allFailuresBefore(before) <= allFailuresBefore(pod) && finishedMs(pod) >= finishedMs(before);
}

/**
 * @param index of an indexed Job
 * @param replaced the failed pod of the index whose failures the new one goes on counting
 */
export function newPod(job: Job, index?: number, replaced?: Pod): New<Pod> {
  const pod = podFromTemplate(job.spec.template, job.metadata.name, controllerRef(resourceTypes.jobs, job));
  const finalizers = [...new Set([...(pod.metadata.finalizers ?? []), trackingFinalizer])];
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } };
  const { labels, annotations } = pod.metadata;
  return {
    metadata: {
      ...pod.metadata,
      finalizers,
      generateName: prefixOf(job.metadata.name, index),
      labels: { ...labels, [indexAnnotation]: String(index) },
      annotations: { ...annotations, [indexAnnotation]: String(index), ...failureCounts(job, replaced) },
    },
    spec: withIndexVariable({ ...pod.spec, hostname: `${job.metadata.name}-${index}` }),
  };
}

function prefixOf(name: string, index: number): string {
  const suffix = `-${index}-`;
  return `${name.slice(0, Math.max(0, longestPrefix - suffix.length))}${suffix}`;
}

function failureCounts(job: Job, replaced: Pod | undefined): Readonly<Record<string, string>> {
  if (job.spec.backoffLimitPerIndex === undefined) return {};
  if (!replaced) return { [failureCountAnnotation]: "0" };
  const counts = judge(job.spec.podFailurePolicy, replaced).counts;
  const ignored = countOf(replaced, ignoredFailureCountAnnotation) + (counts ? 0 : 1);
  return {
    [failureCountAnnotation]: String(failuresBefore(replaced) + (counts ? 1 : 0)),
    ...(ignored === 0 ? {} : { [ignoredFailureCountAnnotation]: String(ignored) }),
  };
}

function withIndexVariable(spec: Pod["spec"]): Pod["spec"] {
  const variable = {
    name: indexVariable,
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } },
  };
  const withVariable = <C extends Pod["spec"]["containers"][number]>(container: C): C => {
    const env = container.env ?? [];
    return env.some(({ name }) => name === indexVariable) ? container : { ...container, env: [...env, variable] };
  };
  return {
    ...spec,
    containers: spec.containers.map(withVariable),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(withVariable) } : {}),
  };
}
