/** Pods that use more of the node's disk than they may: they go whatever else is free (localStorageEviction). */
import type { Pod } from "../../model/kubernetes.ts";
import { podLimits } from "../../model/pod_limits.ts";
import { canonicalQuantity, formatQuantity } from "../../model/quantity.ts";
import { wholeValue } from "../../model/quantities.ts";
import { diskOf, type PodUse } from "./usage.ts";

/** Whether its disk has to be looked at at all. */
export function hasDiskLimits({ spec }: Pod): boolean {
  const isLimited = spec.containers.some(({ resources }) => resources?.limits?.["ephemeral-storage"] !== undefined);
  return isLimited || (spec.volumes ?? []).some(({ emptyDir }) => wholeValue(emptyDir?.sizeLimit ?? 0) > 0);
}

export interface ExceededLimit {
  /** As upstream's metrics name it (pkg/kubelet/eviction, signalEmptyDirFsLimit and others). */
  readonly signal: "emptydirfs.limit" | "ephemeralpodfs.limit" | "ephemeralcontainerfs.limit";
  readonly message: string;
}

/** @returns what it is evicted for */
export function exceededDiskLimit(pod: Pod, use: PodUse, hasImageFs: boolean): ExceededLimit | undefined {
  return exceededVolume(pod, use) ?? exceededPod(pod, use) ?? exceededContainer(pod, use, hasImageFs);
}

function exceededVolume({ spec }: Pod, { volumes }: PodUse): ExceededLimit | undefined {
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined || wholeValue(limit) <= 0) continue;
    if ((volumes.get(name)?.bytes ?? 0) <= wholeValue(limit)) continue;
    const message = `Usage of EmptyDir volume "${name}" exceeds the limit "${canonicalQuantity(limit)}". `;
    return { signal: "emptydirfs.limit", message };
  }
  return undefined;
}

function exceededPod(pod: Pod, use: PodUse): ExceededLimit | undefined {
  const limit = podLimits(pod).sum.ephemeralStorage;
  if (limit === 0 || diskOf(use, { rootfs: true, rest: true }).bytes <= limit) return undefined;
  const text = formatQuantity({ nanos: BigInt(limit) * 1_000_000_000n, format: "BinarySI" });
  const message = `Pod ephemeral local storage usage exceeds the total limit of containers ${text}. `;
  return { signal: "ephemeralpodfs.limit", message };
}

function exceededContainer({ spec }: Pod, { containers }: PodUse, hasImageFs: boolean): ExceededLimit | undefined {
  for (const { name, resources } of spec.containers) {
    const limit = resources?.limits?.["ephemeral-storage"];
    const use = containers.get(name);
    if (limit === undefined || !use) continue;
    const used = use.logs.bytes + (hasImageFs ? 0 : use.rootfs.bytes);
    if (wholeValue(limit) === 0 || used <= wholeValue(limit)) continue;
    const message = `Container ${name} exceeded its local ephemeral storage limit "${canonicalQuantity(limit)}". `;
    return { signal: "ephemeralcontainerfs.limit", message };
  }
  return undefined;
}
