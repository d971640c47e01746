/** Requests and limits as the runtime takes them (pkg/kubelet/cm/helpers_linux.go, pkg/kubelet/qos/policy.go). */
import type { Pod } from "../../../model/kubernetes.ts";
import { millis, nanos } from "../../../model/quantity.ts";
import type { LinuxContainerResources } from "../../cri/messages.ts";
import { qosClassOf, type ContainerSpec } from "../containers.ts";

export interface ResourceSettings {
  readonly memoryCapacityBytes: number;
  readonly cpuCfsQuota: boolean;
  readonly cpuCfsPeriodUs: number;
}

const minShares = 2;
const maxShares = 262_144;
const minQuotaUs = 1000;

export function bytesOf(quantity: string | undefined): number {
  return Number(nanos(quantity) / 1_000_000_000n);
}

function milliCpu(quantity: string | undefined): number {
  return quantity === undefined ? 0 : Number(millis(quantity));
}

export function containerResources(
  pod: Pod,
  { resources }: ContainerSpec,
  settings: ResourceSettings,
): LinuxContainerResources {
  const { requests = {}, limits = {} } = resources ?? {};
  const cpuRequest = milliCpu(requests["cpu"] ?? limits["cpu"]);
  const cpuLimit = milliCpu(limits["cpu"]);
  const quota = Math.max(minQuotaUs, Math.floor((cpuLimit * settings.cpuCfsPeriodUs) / 1000));
  return {
    cpuShares: sharesOf(cpuRequest),
    memoryLimitInBytes: bytesOf(limits["memory"]),
    oomScoreAdj: oomScoreAdj(pod, bytesOf(requests["memory"] ?? limits["memory"]), settings),
    ...(settings.cpuCfsQuota && cpuLimit > 0 ? { cpuPeriod: settings.cpuCfsPeriodUs, cpuQuota: quota } : {}),
  };
}

function sharesOf(milliCpus: number): number {
  if (milliCpus === 0) return minShares;
  return Math.min(maxShares, Math.max(minShares, Math.floor((milliCpus * 1024) / 1000)));
}

const guaranteedScore = -997;
const bestEffortScore = 1000;

/** The smaller a container's share of the memory, the sooner it is killed. */
function oomScoreAdj(pod: Pod, requestBytes: number, { memoryCapacityBytes }: ResourceSettings): number {
  // system-node-critical and what is above it is as dear as the kubelet itself.
  if ((pod.spec.priority ?? 0) >= 2_000_001_000) return guaranteedScore;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return guaranteedScore;
  if (qos === "BestEffort") return bestEffortScore;
  const score = Math.trunc(1000 - (1000 * requestBytes) / memoryCapacityBytes);
  const least = 1000 + guaranteedScore;
  if (score < least) return least;
  return score === bestEffortScore ? score - 1 : score;
}
