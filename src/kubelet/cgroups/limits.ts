/** Limits of a control group, before they are one kernel interface's (pkg/kubelet/cm, ResourceConfig). */

/** What is absent is left as it is. */
export interface CgroupLimits {
  readonly cpuShares?: number;
  /** With its period; -1: none. */
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
  /** By the size of a page, in bytes. */
  readonly hugepages?: ReadonlyMap<number, number>;
}

export const minShares = 2;
const maxShares = 262_144;
const minQuotaUs = 1000;

export function sharesOf(milliCpus: number): number {
  if (milliCpus === 0) return minShares;
  return Math.min(maxShares, Math.max(minShares, Math.floor((milliCpus * 1024) / 1000)));
}

/** @returns 0 where nothing limits */
export function quotaOf(milliCpus: number, periodUs: number): number {
  if (milliCpus === 0) return 0;
  return Math.max(minQuotaUs, Math.floor((milliCpus * periodUs) / 1000));
}

/** As good as none (upstream's for tiers, which must not bound huge pages). */
export const unboundedHugepages = 2 ** 62;
