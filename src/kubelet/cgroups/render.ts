/** Limits → the files of cgroup v1 (kernel, admin-guide/cgroup-v1) or v2 (admin-guide/cgroup-v2). */
import type { CgroupLimits } from "./limits.ts";

export type CgroupVersion = 1 | 2;

export interface CgroupFile {
  readonly controller: "cpu" | "memory" | "pids" | "hugetlb";
  readonly file: string;
  readonly value: string;
}

/** In the order in which they are written. */
export function cgroupFiles(limits: CgroupLimits, version: CgroupVersion): readonly CgroupFile[] {
  return [
    ...(version === 1 ? cpuV1(limits) : cpuV2(limits)),
    ...memory(limits, version),
    ...pids(limits),
    ...hugepages(limits, version),
  ];
}

function cpuV1({ cpuShares, cpuQuotaUs, cpuPeriodUs }: CgroupLimits): CgroupFile[] {
  const file = (name: string, value: number): CgroupFile => ({ controller: "cpu", file: name, value: String(value) });
  return [
    ...(cpuShares === undefined ? [] : [file("cpu.shares", cpuShares)]),
    ...(cpuPeriodUs === undefined ? [] : [file("cpu.cfs_period_us", cpuPeriodUs)]),
    ...(cpuQuotaUs === undefined ? [] : [file("cpu.cfs_quota_us", cpuQuotaUs)]),
  ];
}

function cpuV2({ cpuShares, cpuQuotaUs, cpuPeriodUs = 100_000 }: CgroupLimits): CgroupFile[] {
  const quota = cpuQuotaUs === undefined || cpuQuotaUs < 0 ? "max" : String(cpuQuotaUs);
  return [
    ...(cpuShares === undefined ? [] : [cpu("cpu.weight", String(weightOf(cpuShares)))]),
    ...(cpuQuotaUs === undefined ? [] : [cpu("cpu.max", `${quota} ${cpuPeriodUs}`)]),
  ];
}

function cpu(file: string, value: string): CgroupFile {
  return { controller: "cpu", file, value };
}

/** From shares' 2 … 262144 to 1 … 10000 (KEP-2254). */
export function weightOf(shares: number): number {
  return Math.floor(((shares - 2) * 9999) / 262_142) + 1;
}

function memory({ memoryBytes }: CgroupLimits, version: CgroupVersion): CgroupFile[] {
  if (memoryBytes === undefined) return [];
  const file = version === 1 ? "memory.limit_in_bytes" : "memory.max";
  const none = version === 1 ? "-1" : "max";
  return [{ controller: "memory", file, value: memoryBytes < 0 ? none : String(memoryBytes) }];
}

function pids({ pids: most }: CgroupLimits): CgroupFile[] {
  return most === undefined ? [] : [{ controller: "pids", file: "pids.max", value: most < 0 ? "max" : String(most) }];
}

function hugepages({ hugepages: sizes = new Map() }: CgroupLimits, version: CgroupVersion): CgroupFile[] {
  const end = version === 1 ? "limit_in_bytes" : "max";
  return [...sizes].map(([size, bytes]) => ({
    controller: "hugetlb",
    file: `hugetlb.${pageSizeName(size)}.${end}`,
    value: String(BigInt(bytes)),
  }));
}

/** As the kernel's hugetlb_cgroup names it, and CRI: 2 MiB is "2MB". */
export function pageSizeName(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let power = 0;
  let size = bytes;
  while (size >= 1024 && power < units.length - 1) {
    size /= 1024;
    power++;
  }
  return `${size}${units[power]!}`;
}
