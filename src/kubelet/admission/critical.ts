/** Pods that a node cannot do without: static ones, and those of the system's priorities (pkg/kubelet/types). */
import type { Pod } from "../../model/kubernetes.ts";
import { isMirrorPod, isStaticPod } from "../pods/names.ts";

export function isCritical(pod: Pod): boolean {
  return isStaticPod(pod) || isMirrorPod(pod) || (pod.spec.priority ?? 0) >= 2_000_000_000;
}
