/** What a pod's status says to those who own it (pkg/api/v1/pod/util.go, pkg/controller/controller_utils.go). Pure. */
import type { Pod } from "../../../model/kubernetes.ts";

/** Neither ended nor being deleted. */
export function isActive({ status, metadata }: Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed" && metadata.deletionTimestamp === undefined;
}

/** Being deleted, and not ended yet. */
export function isTerminating({ status, metadata }: Pod): boolean {
  return status?.phase !== "Succeeded" && status?.phase !== "Failed" && metadata.deletionTimestamp !== undefined;
}

function readyCondition({ status }: Pod) {
  return status?.conditions?.find(({ type }) => type === "Ready");
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === "True";
}

/** Since when it is ready, in ms since 1970. @returns undefined where it is not, or does not say */
export function readySinceMs(pod: Pod): number | undefined {
  const condition = readyCondition(pod);
  if (condition?.status !== "True" || !condition.lastTransitionTime) return undefined;
  return Date.parse(condition.lastTransitionTime);
}

/**
 * How long until a pod is available, if it stays ready, in ms.
 *
 * @returns 0 where it is available, undefined where it is not ready
 */
export function availableInMs(pod: Pod, minReadySeconds: number | undefined, nowMs: number): number | undefined {
  if (!isReady(pod)) return undefined;
  if (!minReadySeconds) return 0;
  const since = readySinceMs(pod);
  return since === undefined ? undefined : Math.max(0, since + minReadySeconds * 1000 - nowMs);
}

export function isAvailable(pod: Pod, minReadySeconds: number | undefined, nowMs: number): boolean {
  return availableInMs(pod, minReadySeconds, nowMs) === 0;
}

/** When the next of the pods that are ready becomes available. @returns undefined where none is to be waited for */
export function nextAvailableInMs(
  pods: readonly Pod[],
  minReadySeconds: number | undefined,
  nowMs: number,
): number | undefined {
  let next: number | undefined;
  for (const pod of pods) {
    const ms = availableInMs(pod, minReadySeconds, nowMs);
    if (ms !== undefined && ms > 0 && (next === undefined || ms < next)) next = ms;
  }
  return next;
}
