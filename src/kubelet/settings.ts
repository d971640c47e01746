/** A KubeletConfiguration and the flags → what each part of the kubelet goes by. */
import type { KubeletConfiguration } from "../config/kubelet.ts";
import type { CgroupSettings } from "./cgroups/manager.ts";
import type { CgroupDriver } from "./cgroups/names.ts";
import type { CgroupVersion } from "./cgroups/render.ts";
import type { DnsConfig } from "./cri/messages.ts";
import type { NodeFacts } from "./node/facts.ts";
import type { NodeSettings } from "./node/render.ts";
import type { PodSettings } from "./pods/deps.ts";
import { bytesOf } from "./pods/render/resources.ts";
import type { StaticPodsSettings } from "./static/static_pods.ts";
import type { ShutdownSettings } from "./shutdown/plan.ts";
import { kubeletVersion } from "./version.ts";

export interface KubeletFlags {
  readonly rootDir: string;
  /** Where certificates are that the kubelet made, or was given. */
  readonly certDir: string;
  /** Of the node's object. */
  readonly nodeName: string;
  readonly hostname: string;
  /** As they were when it began. */
  readonly addresses: readonly string[];
  /** --node-ip */
  readonly nodeIps?: readonly string[];
  readonly isSchedulable: boolean;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly taints: NodeSettings["taints"];
}

/** Between two looks at a pod whose runtime tells of what changes, and whose does not, in ms. */
const relistMs = { told: 300_000, untold: 1000 } as const;

export function podSettings(
  config: KubeletConfiguration,
  flags: KubeletFlags,
  facts: NodeFacts,
  host: {
    readonly dns: DnsConfig;
    readonly tellsOfChanges: boolean;
    readonly cgroups: { readonly version: CgroupVersion; readonly driver: CgroupDriver };
  },
): PodSettings {
  return {
    folders: { root: flags.rootDir, podLogs: config.podLogsDir },
    nodeName: flags.nodeName,
    dns: { clusterDns: config.clusterDNS, clusterDomain: config.clusterDomain, host: host.dns },
    ...cgroupSettings(config, facts, host.cgroups.driver),
    cgroupVersion: host.cgroups.version,
    // With cgroup v1 there is no other way (KubeletConfiguration, singleProcessOOMKill).
    killsOneProcess: config.singleProcessOOMKill ?? host.cgroups.version === 1,
    seccompDefault: config.seccompDefault,
    seccompFolder: `${flags.rootDir}/seccomp`,
    memoryCapacityBytes: facts.memoryBytes,
    crashBackoff: {
      firstMs: Math.min(10_000, config.crashLoopBackOff.maxContainerRestartPeriod),
      maxMs: config.crashLoopBackOff.maxContainerRestartPeriod,
    },
    pullBackoff: { firstMs: 10_000, maxMs: 300_000 },
    relistMs: host.tellsOfChanges ? relistMs.told : relistMs.untold,
    syncMs: config.syncFrequency,
  };
}

export function cgroupSettings(
  config: KubeletConfiguration,
  { hugepages }: NodeFacts,
  cgroupDriver: CgroupDriver,
): CgroupSettings {
  return {
    cgroupRoot: config.cgroupRoot === "/" ? "" : config.cgroupRoot,
    cgroupDriver,
    cgroupsPerQos: config.cgroupsPerQOS,
    cpuCfsQuota: config.cpuCFSQuota,
    cpuCfsPeriodUs: config.cpuCFSQuotaPeriod * 1000,
    podPids: config.podPidsLimit,
    hugepageSizes: [...hugepages.keys()].map(bytesOf),
    enforces: config.enforceNodeAllocatable,
    kubeReserved: amounts(config.kubeReserved),
    systemReserved: amounts(config.systemReserved),
    kubeReservedCgroup: config.kubeReservedCgroup,
    systemReservedCgroup: config.systemReservedCgroup,
  };
}

const defaultEvictionHard = {
  "memory.available": "100Mi",
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%",
};

/** evictionHard as it counts: all of upstream's defaults where it says nothing. */
export function hardThresholds({ evictionHard, mergeDefaultEvictionSettings }: KubeletConfiguration) {
  if (!evictionHard) return defaultEvictionHard;
  return mergeDefaultEvictionSettings ? { ...defaultEvictionHard, ...evictionHard } : evictionHard;
}

export function nodeSettings(config: KubeletConfiguration, flags: KubeletFlags): NodeSettings {
  return {
    name: flags.nodeName,
    hostname: flags.hostname,
    addresses: flags.addresses,
    labels: flags.nodeLabels,
    taints: [
      ...flags.taints,
      ...config.registerWithTaints.map(({ value, ...taint }) => (value === undefined ? taint : { ...taint, value })),
    ],
    providerId: config.providerID,
    maxPods: config.maxPods,
    podsPerCore: config.podsPerCore,
    port: config.port,
    maxImages: config.nodeStatusMaxImages,
    kubeReserved: amounts(config.kubeReserved),
    systemReserved: amounts(config.systemReserved),
    evictionHard: amounts(hardThresholds(config)),
    kubeletVersion,
    isSchedulable: flags.isSchedulable,
    controllerAttaches: config.enableControllerAttachDetach,
  };
}

/** zod's partial records say that a key may be there without a value. */
function amounts(record: Readonly<Partial<Record<string, string>>>): Record<string, string> {
  const entries = Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

export function staticPodsSettings(config: KubeletConfiguration, { nodeName }: KubeletFlags): StaticPodsSettings {
  return {
    nodeName,
    path: config.staticPodPath,
    url: config.staticPodURL,
    urlHeader: config.staticPodURLHeader,
    fileCheckMs: config.fileCheckFrequency,
    httpCheckMs: config.httpCheckFrequency,
  };
}

export function shutdownSettings(config: KubeletConfiguration): ShutdownSettings {
  return {
    gracePeriodMs: config.shutdownGracePeriod,
    gracePeriodCriticalMs: config.shutdownGracePeriodCriticalPods,
    byPriority: config.shutdownGracePeriodByPodPriority,
  };
}
