/** A pod's status from what is known of it (pkg/kubelet/kubelet_pods.go, generateAPIPodStatus). */
import type { Pod } from "../../../model/kubernetes.ts";
import { allContainers, isHostNetwork } from "../containers.ts";
import { currentSandbox } from "../observed.ts";
import { podConditions } from "./conditions.ts";
import { containerStatus } from "./container_status.ts";
import type { ContainerStatuses, Failure, PodStatus, StatusInput } from "./input.ts";
import { phaseOf } from "./phase.ts";

export function derivePodStatus(input: StatusInput): PodStatus {
  const { pod, now } = input;
  if (wasRejected(input)) return rejectedStatus(input);
  const statuses = containerStatuses(input);
  const phase = phaseOf(pod, statuses, input);
  const generation = pod.metadata.generation;
  // While it ends it is what it was.
  const failure = input.hasEnded ? reasonOf(input.failure) : undefined;
  const kept = phase === pod.status?.phase ? keptFailure(pod) : undefined;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...(failure ?? kept ?? {}),
    conditions: podConditions(input, statuses, phase),
    ...addresses(input),
    startTime: pod.status?.startTime ?? now,
    ...(statuses.init.length > 0 ? { initContainerStatuses: statuses.init } : {}),
    containerStatuses: statuses.regular,
    ...(statuses.ephemeral.length > 0 ? { ephemeralContainerStatuses: statuses.ephemeral } : {}),
    ...(pod.status?.qosClass === undefined ? {} : { qosClass: pod.status.qosClass }),
  };
}

/** By this kubelet, or by one before it: what never began has no containers to tell of. */
function wasRejected({ pod: { status }, observed, isRejected }: StatusInput): boolean {
  const isSilent = status?.containerStatuses === undefined && observed.containers.length === 0;
  return isRejected || (status?.phase === "Failed" && status.reason !== undefined && isSilent);
}

/** As upstream's rejectPod writes it. */
function rejectedStatus({ pod, failure, now }: StatusInput): PodStatus {
  return {
    phase: "Failed",
    ...(reasonOf(failure) ?? keptFailure(pod)),
    startTime: pod.status?.startTime ?? now,
    ...(pod.status?.qosClass === undefined ? {} : { qosClass: pod.status.qosClass }),
  };
}

function reasonOf(failure: Failure | undefined): object | undefined {
  return failure && { reason: failure.reason, message: failure.message };
}

function keptFailure({ status }: Pod): object | undefined {
  if (status?.reason === undefined) return undefined;
  return { reason: status.reason, ...(status.message === undefined ? {} : { message: status.message }) };
}

function containerStatuses(input: StatusInput): ContainerStatuses {
  const all = allContainers(input.pod);
  const of = (kind: string) => all.filter((one) => one.kind === kind).map((one) => containerStatus(input, one));
  return { init: of("init"), regular: of("regular"), ephemeral: of("ephemeral") };
}

function addresses({ pod, observed, nodeIps }: StatusInput): object {
  const [hostIP] = nodeIps;
  const host = hostIP === undefined ? {} : { hostIP, hostIPs: nodeIps.map((ip) => ({ ip })) };
  const sandbox = currentSandbox(observed);
  const own = sandbox?.isReady ? sandbox.ips : [];
  const ips = isHostNetwork(pod) ? (sandbox ? nodeIps : []) : own;
  if (ips.length > 0) return { ...host, podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) };
  // A pod that has ended keeps the address that it had.
  const { podIP, podIPs } = pod.status ?? {};
  return { ...host, ...(podIP === undefined ? {} : { podIP, podIPs }) };
}
