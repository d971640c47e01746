/** Which pods end when, before the node goes down (pkg/kubelet/nodeshutdown, KEP-2000 and KEP-2712). */
import type { Pod } from "../../model/kubernetes.ts";

export interface ShutdownSettings {
  readonly gracePeriodMs: number;
  readonly gracePeriodCriticalMs: number;
  readonly byPriority: readonly { readonly priority: number; readonly shutdownGracePeriodSeconds: number }[];
}

export interface ShutdownGroup<T> {
  /** From this priority up to the next group's. */
  readonly priority: number;
  readonly graceSeconds: number;
  readonly pods: readonly T[];
}

export type ShutdownPeriods = readonly Omit<ShutdownGroup<never>, "pods">[];

/** Of system-cluster-critical (pkg/apis/scheduling). */
const criticalPriority = 2_000_000_000;

/** In the order in which they have their turn: the least important first. Empty: pods are not ended. */
export function shutdownPeriods(settings: ShutdownSettings): ShutdownPeriods {
  const { gracePeriodMs, gracePeriodCriticalMs, byPriority } = settings;
  const given = byPriority.map(({ priority, shutdownGracePeriodSeconds }) => ({
    priority,
    graceSeconds: shutdownGracePeriodSeconds,
  }));
  if (given.length > 0) return given.sort((a, b) => a.priority - b.priority);
  if (gracePeriodMs === 0) return [];
  return [
    { priority: 0, graceSeconds: Math.floor((gracePeriodMs - gracePeriodCriticalMs) / 1000) },
    { priority: criticalPriority, graceSeconds: Math.floor(gracePeriodCriticalMs / 1000) },
  ];
}

/** What the machine's end is to be held up for, in s. */
export function shutdownSeconds(periods: ShutdownPeriods): number {
  return periods.reduce((sum, { graceSeconds }) => sum + graceSeconds, 0);
}

/** Those below the lowest are of the lowest. A group without pods takes no time. */
export function shutdownGroups<T extends { readonly pod: Pod }>(
  periods: ShutdownPeriods,
  workers: readonly T[],
): readonly ShutdownGroup<T>[] {
  const indexOf = ({ pod }: T): number => {
    const priority = pod.spec.priority ?? 0;
    return Math.max(
      0,
      periods.findLastIndex((period) => period.priority <= priority),
    );
  };
  return periods.flatMap((period, i) => {
    const pods = workers.filter((worker) => indexOf(worker) === i);
    return pods.length === 0 ? [] : [{ ...period, pods }];
  });
}

/** A pod that asks for less has less. */
export function graceOf({ spec }: Pod, { graceSeconds }: { readonly graceSeconds: number }): number {
  return Math.min(spec.terminationGracePeriodSeconds ?? graceSeconds, graceSeconds);
}
