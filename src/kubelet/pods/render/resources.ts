/** Requests and limits as the runtime takes them (pkg/kubelet/kuberuntime, pkg/kubelet/qos/policy.go). */
import type { Pod } from "../../../model/kubernetes.ts";
import { podLimits } from "../../../model/pod_limits.ts";
import { podRequests } from "../../../model/pod_requests.ts";
import { millis, nanos } from "../../../model/quantity.ts";
import { quotaOf, sharesOf } from "../../cgroups/limits.ts";
import { pageSizeName } from "../../cgroups/render.ts";
import type { LinuxContainerResources } from "../../cri/messages.ts";
import { qosClassOf, type ContainerSpec } from "../containers.ts";

export interface ResourceSettings {
  readonly memoryCapacityBytes: number;
  readonly cpuCfsQuota: boolean;
  readonly cpuCfsPeriodUs: number;
  /** Of the node, in bytes. */
  readonly hugepageSizes: readonly number[];
  readonly cgroupVersion: 1 | 2;
  /** singleProcessOOMKill: a container's other processes outlive one that the kernel kills for its memory. */
  readonly killsOneProcess: boolean;
}

export function bytesOf(quantity: string | undefined): number {
  return Number(nanos(quantity) / 1_000_000_000n);
}

function milliCpu(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(millis(quantity));
}

export function containerResources(
  pod: Pod,
  container: ContainerSpec,
  settings: ResourceSettings,
): LinuxContainerResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const memory = bytesOf(limits["memory"]);
  return {
    ...basic(milliCpu(requests["cpu"] ?? limits["cpu"]), milliCpu(limits["cpu"]), memory, settings),
    oomScoreAdj: oomScoreAdj(pod, container, settings),
    ...hugepages(limits, settings.hugepageSizes),
    ...onUnified(memory, settings),
  };
}

function basic(
  requestMilli: number,
  limitMilli: number,
  memoryLimitInBytes: number,
  { cpuCfsQuota, cpuCfsPeriodUs }: ResourceSettings,
): LinuxContainerResources {
  return {
    cpuShares: sharesOf(requestMilli),
    memoryLimitInBytes,
    ...(cpuCfsQuota && limitMilli > 0
      ? { cpuPeriod: cpuCfsPeriodUs, cpuQuota: quotaOf(limitMilli, cpuCfsPeriodUs) }
      : {}),
  };
}

/** What a container does not ask for it may not use (GetHugepageLimitsFromResources). */
function hugepages(limits: Readonly<Record<string, string>>, sizes: readonly number[]): LinuxContainerResources {
  if (sizes.length === 0) return {};
  const asked = new Map(
    Object.entries(limits)
      .filter(([name]) => name.startsWith("hugepages-"))
      .map(([name, amount]) => [bytesOf(name.slice("hugepages-".length)), bytesOf(amount)]),
  );
  return { hugepageLimits: sizes.map((size) => ({ pageSize: pageSizeName(size), limit: asked.get(size) ?? 0 })) };
}

/** With cgroup v2 a container ends whole where it runs out of memory, and has no swap. */
function onUnified(memory: number, { cgroupVersion, killsOneProcess }: ResourceSettings): LinuxContainerResources {
  if (cgroupVersion === 1) return {};
  return {
    memorySwapLimitInBytes: memory,
    ...(killsOneProcess ? {} : { unified: { "memory.oom.group": "1" } }),
  };
}

/** For runtimes that make a machine of a sandbox: the whole pod's, and what it takes on top (KEP-688, KEP-2371). */
export function sandboxResources(pod: Pod, settings: ResourceSettings) {
  const withoutOverhead = { ...pod, spec: { ...pod.spec, overhead: {} } };
  const requests = podRequests(withoutOverhead);
  const { sum } = podLimits(withoutOverhead);
  const { cpu, memory } = pod.spec.overhead ?? {};
  const overhead = milliCpu(cpu);
  return {
    resources: basic(requests.milliCpu || sum.milliCpu, sum.milliCpu, sum.memory, settings),
    ...(pod.spec.overhead ? { overhead: basic(overhead, overhead, bytesOf(memory), settings) } : {}),
  };
}

const guaranteedScore = -997;
const bestEffortScore = 1000;

/** The smaller a container's share of the memory, the sooner it is killed. */
function oomScoreAdj(pod: Pod, container: ContainerSpec, { memoryCapacityBytes }: ResourceSettings): number {
  if (isNodeCritical(pod)) return guaranteedScore;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return guaranteedScore;
  if (qos === "BestEffort") return bestEffortScore;
  const scoreOf = (bytes: number): number => 1000 - Math.floor((1000 * bytes) / memoryCapacityBytes);
  const requestOf = ({ resources }: ContainerSpec): number => bytesOf(resources?.requests?.["memory"]);
  const own = scoreOf(requestOf(container));
  // A sidecar is not killed before those that it serves (KEP-753).
  const regular = scoreOf(Math.min(...pod.spec.containers.map(requestOf)));
  const score = container.restartPolicy === "Always" ? Math.min(own, regular) : own;
  const least = 1000 + guaranteedScore;
  if (score < least) return least;
  return score === bestEffortScore ? score - 1 : score;
}

function isNodeCritical({ spec }: Pod): boolean {
  return spec.priorityClassName === "system-node-critical" && (spec.priority ?? 0) >= 2_000_000_000;
}
