/** Labels whose values are few, whatever they are made of. Pure. */
import type { ContainerKind } from "../../pods/containers.ts";

const mebi = 2 ** 20;
const gibi = 2 ** 30;

/** Where each begins (pkg/kubelet/metrics, imageSizeBuckets). */
const sizes: readonly (readonly [number, string])[] = [
  [100 * gibi, "GT100GB"],
  [60 * gibi, "60GB-100GB"],
  [40 * gibi, "40GB-60GB"],
  [30 * gibi, "30GB-40GB"],
  [20 * gibi, "20GB-30GB"],
  [10 * gibi, "10GB-20GB"],
  [5 * gibi, "5GB-10GB"],
  [gibi, "1GB-5GB"],
  [500 * mebi, "500MB-1GB"],
  [100 * mebi, "100MB-500MB"],
  [10 * mebi, "10MB-100MB"],
];

export function imageSize(bytes: number): string {
  return sizes.find(([from]) => bytes >= from)?.[1] ?? "0-10MB";
}

/** pkg/kubelet, admissionRejectionReasons. */
const rejectionReasons: ReadonlySet<string> = new Set([
  "AppArmor",
  "PodOSSelectorNodeLabelDoesNotMatch",
  "PodOSNotSupported",
  "InvalidNodeInfo",
  "InitContainerRestartPolicyForbidden",
  "SupplementalGroupsPolicyNotSupported",
  "UnexpectedAdmissionError",
  "UnknownReason",
  "UnexpectedPredicateFailureType",
  "OutOfcpu",
  "OutOfmemory",
  "OutOfephemeral-storage",
  "OutOfpods",
  "Evicted",
  "SysctlForbidden",
  "TopologyAffinityError",
  "NodeShutdown",
]);

export function rejectionReason(reason: string): string {
  if (rejectionReasons.has(reason)) return reason;
  return reason.startsWith("OutOf") ? "OutOfExtendedResources" : "Other";
}

export const containerTypes: Readonly<Record<ContainerKind, string>> = {
  init: "init_container",
  regular: "container",
  ephemeral: "ephemeral_container",
};

/** "unknown" where it was not come so far. */
export function knownFlag(value: boolean | undefined): string {
  return value === undefined ? "unknown" : String(value);
}
