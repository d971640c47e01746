/** How long a Job waits before it replaces failed pods (pkg/controller/job/backoff_utils.go). Pure. */
import type { Pod } from "../../../model/kubernetes.ts";

/** Upstream's DefaultJobPodFailureBackOff and MaxJobPodFailureBackOff. */
const firstMs = 10_000;
const longestMs = 600_000;

/** Kept in memory: a restart of the server forgets it, as upstream's does. */
export interface Backoff {
  readonly failuresAfterLastSuccess: number;
  readonly lastFailureMs?: number;
}

export const noBackoff: Backoff = { failuresAfterLastSuccess: 0 };

export function nextBackoff(before: Backoff, succeeded: readonly Pod[], failed: readonly Pod[]): Backoff {
  const failures = failed.map(finishedMs).sort((a, b) => b - a);
  if (succeeded.length === 0) {
    if (failures.length === 0) return before;
    return {
      failuresAfterLastSuccess: before.failuresAfterLastSuccess + failures.length,
      lastFailureMs: failures[0]!,
    };
  }
  const lastSuccess = Math.max(...succeeded.map(finishedMs));
  const later = failures.filter((ms) => ms > lastSuccess);
  return later.length === 0 ? noBackoff : { failuresAfterLastSuccess: later.length, lastFailureMs: later[0]! };
}

export function backoffMs({ failuresAfterLastSuccess, lastFailureMs = 0 }: Backoff, nowMs: number): number {
  if (failuresAfterLastSuccess === 0) return 0;
  const whole = Math.min(longestMs, firstMs * 2 ** (failuresAfterLastSuccess - 1));
  return Math.max(0, whole - (nowMs - lastFailureMs));
}

/** When a pod ended: by its containers, else its readiness, else its deletion, else never (its creation). */
export function finishedMs(pod: Pod): number {
  const { status, metadata } = pod;
  const containers = lastFinish(pod);
  if (containers !== undefined) return containers;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "False" && ready.lastTransitionTime) return Date.parse(ready.lastTransitionTime);
  if (metadata.deletionTimestamp !== undefined) {
    return Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  }
  return Date.parse(metadata.creationTimestamp);
}

/** @returns undefined where not all containers have ended; sidecars end after the others */
function lastFinish({ spec, status }: Pod): number | undefined {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const names = new Set(sidecars.map(({ name }) => name));
  const counted = [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []).filter(({ name }) => names.has(name)),
  ];
  const times = counted.map(({ state }) => state?.terminated?.finishedAt);
  if (times.length === 0 || times.some((time) => !time)) return undefined;
  return Math.max(...times.map((time) => Date.parse(time!)));
}
