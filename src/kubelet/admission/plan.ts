/** Whether a pod may run on this node, by what the node is and has; else why not, in upstream's words (pkg/kubelet/lifecycle). */
import { conflicts, hostPortsOf } from "../../model/host_ports.ts";
import type { Node, Pod } from "../../model/kubernetes.ts";
import { requiredNodes } from "../../model/node_selector.ts";
import { isTolerated } from "../../model/taints.ts";
import type { Pressure } from "../node/conditions.ts";
import { qosClassOf } from "../pods/containers.ts";
import { isStaticPod } from "../pods/names.ts";
import { isCritical } from "./critical.ts";
import { unfit } from "./fit.ts";
import type { Rejection } from "./rejection.ts";
import { forbiddenSysctl } from "./sysctls.ts";

export interface AdmissionView {
  /** Undefined: not known yet; what hangs on it is not looked at. */
  readonly node: Node | undefined;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly pressures: readonly Pressure[];
  /** Pods that run or are to run here. */
  readonly others: readonly Pod[];
  readonly unsafeSysctls: readonly string[];
  readonly hasAppArmor: boolean;
}

export function admissionOf(pod: Pod, view: AdmissionView): Rejection | undefined {
  const { node, allocatable, others } = view;
  // What ran here before goes on, whatever the node's labels and taints say by now.
  const isNew = pod.status?.startTime === undefined;
  return (
    underPressure(pod, view.pressures) ??
    forbiddenSysctl(pod, view.unsafeSysctls) ??
    wrongSystem(pod, node) ??
    ("pods" in allocatable ? unfit(pod, others, allocatable) : undefined) ??
    (isNew && node ? wrongNode(pod, node) : undefined) ??
    takenPorts(pod, others) ??
    (isNew && node ? untolerated(pod, node) : undefined) ??
    unservedAppArmor(pod, view.hasAppArmor)
  );
}

/** What is short of memory alone still takes pods that ask for some. */
function underPressure(pod: Pod, pressures: readonly Pressure[]): Rejection | undefined {
  if (pressures.length === 0 || isCritical(pod)) return undefined;
  if (pressures.every((pressure) => pressure === "MemoryPressure")) {
    if (qosClassOf(pod) !== "BestEffort") return undefined;
    const taint = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" };
    if (isTolerated(taint, pod.spec.tolerations ?? [])) return undefined;
  }
  return { reason: "Evicted", message: `The node had condition: [${pressures.join(" ")}]. ` };
}

function wrongSystem({ spec, metadata }: Pod, node: Node | undefined): Rejection | undefined {
  const label = metadata.labels?.["kubernetes.io/os"];
  if (label !== undefined && label !== "linux") {
    const message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label";
    return { reason: "PodOSSelectorNodeLabelDoesNotMatch", message };
  }
  if (spec.os && spec.os.name !== "linux") {
    return { reason: "PodOSNotSupported", message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  const wantsStrict = spec.securityContext?.supplementalGroupsPolicy === "Strict";
  if (!wantsStrict || !node || node.status?.features?.supplementalGroupsPolicy) return undefined;
  const message = "SupplementalGroupsPolicy=Strict is not supported in this node";
  return { reason: "SupplementalGroupsPolicyNotSupported", message };
}

function wrongNode(pod: Pod, { metadata }: Node): Rejection | undefined {
  const labels = { ...metadata.labels, "kubernetes.io/os": "linux" };
  const matches = requiredNodes(pod)?.({ name: metadata.name, labels }) ?? true;
  return matches ? undefined : failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
}

function takenPorts(pod: Pod, others: readonly Pod[]): Rejection | undefined {
  const wanted = hostPortsOf(pod);
  if (wanted.length === 0) return undefined;
  const taken = others.flatMap(hostPortsOf);
  const isTaken = wanted.some((port) => taken.some((other) => conflicts(port, other)));
  return isTaken ? failed("NodePorts", "node(s) didn't have free ports for the requested pod ports") : undefined;
}

function untolerated(pod: Pod, { spec }: Node): Rejection | undefined {
  if (isStaticPod(pod)) return undefined;
  const taints = (spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  const isKept = taints.every((taint) => isTolerated(taint, pod.spec.tolerations ?? []));
  return isKept ? undefined : failed("TaintToleration", "node(s) had taints that the pod didn't tolerate");
}

function failed(name: string, why: string): Rejection {
  return { reason: name, message: `Predicate ${name} failed: ${why}` };
}

function unservedAppArmor({ spec, metadata }: Pod, hasAppArmor: boolean): Rejection | undefined {
  if (hasAppArmor) return undefined;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const contexts = [spec.securityContext, ...containers.map(({ securityContext }) => securityContext)];
  const profiles = contexts.map((context) => context?.appArmorProfile?.type);
  const old = Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith("container.apparmor.security.beta.kubernetes.io/"))
    .map(([, value]) => (value === "unconfined" ? "Unconfined" : value));
  if (![...profiles, ...old].some((profile) => profile !== undefined && profile !== "Unconfined")) return undefined;
  return { reason: "AppArmor", message: "Cannot enforce AppArmor: AppArmor is not enabled on the host" };
}
