/** Who goes first: pods that use more than they asked for, then by priority, then by how much more (rankMemoryPressure and others). */
import type { Pod } from "../../model/kubernetes.ts";
import { resourceOf, type Signal } from "./signals.ts";
import { amountRequested, amountUsed, type DiskParts, type PodUse } from "./usage.ts";

export type UseOf = (pod: Pod) => PodUse | undefined;

export function rankPods(pods: readonly Pod[], signal: Signal, hasImageFs: boolean, useOf: UseOf): readonly Pod[] {
  const resource = resourceOf(signal);
  const parts = partsOf(signal, hasImageFs);
  const ranked = pods.map((pod) => {
    const use = useOf(pod);
    const used = use && amountUsed(use, resource, parts);
    const over = used === undefined ? Infinity : used - amountRequested(pod, resource);
    // Of processes nothing can be asked for: priority alone counts.
    return { pod, over, exceeds: resource !== "pids" && over > 0, priority: pod.spec.priority ?? 0 };
  });
  ranked.sort((a, b) => Number(b.exceeds) - Number(a.exceeds) || a.priority - b.priority || compare(b.over, a.over));
  return ranked.map(({ pod }) => pod);
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** Where images have a file system of their own, containers' layers are there, and logs and volumes are not. */
export function partsOf(signal: Signal, hasImageFs: boolean): DiskParts {
  if (!hasImageFs) return { rootfs: true, rest: true };
  return signal.startsWith("nodefs.") ? { rootfs: false, rest: true } : { rootfs: true, rest: false };
}
