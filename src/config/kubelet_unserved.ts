/** Fields of a KubeletConfiguration that are taken and have no effect yet: who sets them should know. */
import { isDeepStrictEqual } from "node:util";
import { kubeletConfiguration, type KubeletConfiguration } from "./kubelet.ts";

export const unserved: readonly (keyof KubeletConfiguration)[] = [
  "tlsCurvePreferences",
  "imagePullCredentialsVerificationPolicy",
  "preloadedImagesVerificationAllowlist",
  "userNamespaces",
  "kubeletCgroups",
  "systemCgroups",
  "cpuManagerPolicy",
  "cpuManagerPolicyOptions",
  "memoryManagerPolicy",
  "topologyManagerPolicy",
  "topologyManagerScope",
  "topologyManagerPolicyOptions",
  "qosReserved",
  "reservedMemory",
  "memoryThrottlingFactor",
  "memoryReservationPolicy",
  "memorySwap",
  "oomScoreAdj",
  "reservedSystemCPUs",
  "volumePluginDir",
  "kernelMemcgNotification",
  "eventRecordQPS",
  "eventBurst",
  "kubeAPIQPS",
  "kubeAPIBurst",
  "featureGates",
  "tracing",
  "hairpinMode",
  "maxOpenFiles",
  "contentType",
  "enableContentionProfiling",
  "enableDebugFlagsHandler",
  "enableProfilingHandler",
  "enableSystemLogQuery",
  "failSwapOn",
  "iptablesDropBit",
  "iptablesMasqueradeBit",
  "makeIPTablesUtilChains",
  "podCIDR",
  "protectKernelDefaults",
];

/** Those that are set to other than their default. */
export function unservedFields(config: KubeletConfiguration): readonly string[] {
  const { apiVersion, kind } = config;
  const defaults = kubeletConfiguration.parse({ apiVersion, kind });
  return unserved.filter((field) => !isDeepStrictEqual(config[field], defaults[field]));
}
