/** What each control group may use: of a pod, of a class of pods, of all pods, of what is reserved (pkg/kubelet/cm). */
import type { Pod } from "../../model/kubernetes.ts";
import { podLimits } from "../../model/pod_limits.ts";
import { podRequests } from "../../model/pod_requests.ts";
import { nanos } from "../../model/quantity.ts";
import type { Resources } from "../../model/resources.ts";
import { qosClassOf } from "../pods/containers.ts";
import { minShares, quotaOf, sharesOf, unboundedHugepages, type CgroupLimits } from "./limits.ts";

export interface PodLimitSettings {
  readonly cpuCfsQuota: boolean;
  readonly cpuCfsPeriodUs: number;
  /** podPidsLimit; -1: none of its own. */
  readonly podPids: number;
  /** Sizes of huge pages that the node has, in bytes. */
  readonly hugepageSizes: readonly number[];
}

export function podCgroupLimits(pod: Pod, settings: PodLimitSettings): CgroupLimits {
  const requests = podRequests(pod);
  const common = {
    ...(settings.podPids > 0 ? { pids: settings.podPids } : {}),
    ...hugepages(requests, settings.hugepageSizes),
  };
  const qos = qosClassOf(pod);
  if (qos === "BestEffort") return { cpuShares: minShares, ...common };
  const { sum, boundsCpu, boundsMemory } = podLimits(pod);
  const isGuaranteed = qos === "Guaranteed";
  return {
    cpuShares: sharesOf(requests.milliCpu),
    ...(isGuaranteed || boundsCpu ? cfs(sum.milliCpu, settings) : {}),
    ...(isGuaranteed || boundsMemory ? { memoryBytes: sum.memory } : {}),
    ...common,
  };
}

function cfs(milliCpus: number, { cpuCfsQuota, cpuCfsPeriodUs }: PodLimitSettings): CgroupLimits {
  const quota = cpuCfsQuota ? quotaOf(milliCpus, cpuCfsPeriodUs) : 0;
  return { cpuQuotaUs: quota === 0 ? -1 : quota, cpuPeriodUs: cpuCfsPeriodUs };
}

/** A size that nobody asked for may not be used at all. */
function hugepages({ scalars }: Resources, sizes: readonly number[]): CgroupLimits {
  if (sizes.length === 0) return {};
  const asked = new Map([...scalars].map(([name, bytes]) => [hugepageSize(name), bytes]));
  return { hugepages: new Map(sizes.map((size) => [size, asked.get(size) ?? 0])) };
}

/** "hugepages-2Mi" → 2097152. */
function hugepageSize(resource: string): number | undefined {
  const size = /^hugepages-(.+)$/.exec(resource)?.[1];
  return size === undefined ? undefined : Number(nanos(size) / 1_000_000_000n);
}

/** The tiers' shares: what burstable pods ask for together, and next to nothing for the best-effort ones. */
export function tierLimits(pods: Iterable<Pod>, hugepageSizes: readonly number[]) {
  let milliCpus = 0;
  for (const pod of pods) if (qosClassOf(pod) === "Burstable") milliCpus += podRequests(pod).milliCpu;
  const unbounded = new Map(hugepageSizes.map((size) => [size, unboundedHugepages]));
  const common = hugepageSizes.length === 0 ? {} : { hugepages: unbounded };
  return {
    Burstable: { cpuShares: sharesOf(milliCpus), ...common },
    BestEffort: { cpuShares: minShares, ...common },
  } as const satisfies Record<string, CgroupLimits>;
}

export type ReservedAmounts = Readonly<Record<string, string>>;

export interface NodeCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly pids: number;
}

/** Of all pods together: what the node has, without what is reserved where that is enforced. */
export function allPodsLimits(capacity: NodeCapacity, reserved: readonly ReservedAmounts[]): CgroupLimits {
  const left = (whole: number, name: string, unit: bigint): number => {
    const taken = reserved.reduce((sum, amounts) => sum + nanos(amounts[name]), 0n);
    return Math.max(0, whole - Number(taken / unit));
  };
  return {
    cpuShares: sharesOf(left(capacity.cpus * 1000, "cpu", 1_000_000n)),
    memoryBytes: left(capacity.memoryBytes, "memory", 1_000_000_000n),
    pids: left(capacity.pids, "pid", 1_000_000_000n),
  };
}

/** @param compressible CPU alone: what is over it waits, and nothing is killed */
export function reservedLimits(amounts: ReservedAmounts, compressible: boolean): CgroupLimits {
  const { cpu, memory, pid } = amounts;
  const whole = (text: string): number => Number(nanos(text) / 1_000_000_000n);
  return {
    ...(cpu === undefined ? {} : { cpuShares: sharesOf(Number(nanos(cpu) / 1_000_000n)) }),
    ...(memory === undefined || compressible ? {} : { memoryBytes: whole(memory) }),
    ...(pid === undefined || compressible ? {} : { pids: whole(pid) }),
  };
}
