/** A pod's phase (pkg/kubelet/kubelet_pods.go, getPhase). */
import type { Pod } from "../../../model/kubernetes.ts";
import { allContainers, isSidecar } from "../containers.ts";
import type { ContainerStatus, ContainerStatuses, StatusInput } from "./input.ts";

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

export function isFinal(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

export function phaseOf(pod: Pod, statuses: ContainerStatuses, input: StatusInput): Phase {
  const before = pod.status?.phase;
  // What is final stays so.
  if (isFinal(before)) return before as Phase;
  if (input.failure && input.hasEnded) return "Failed";
  const init = initPhase(pod, statuses.init);
  if (input.isTerminating && input.hasEnded) return endPhase(statuses);
  if (init) return init;
  return regularPhase(pod, statuses.regular);
}

function initPhase(pod: Pod, statuses: readonly ContainerStatus[]): Phase | undefined {
  const containers = allContainers(pod).filter(({ kind }) => kind === "init");
  for (const [i, container] of containers.entries()) {
    const status = statuses[i];
    const ended = status?.state?.terminated ?? status?.lastState?.terminated;
    if (isSidecar(container)) {
      if (!status?.started && !ended) return "Pending";
      continue;
    }
    if (ended?.exitCode === 0) continue;
    const isFailed = ended !== undefined && pod.spec.restartPolicy === "Never";
    return isFailed ? "Failed" : "Pending";
  }
  return undefined;
}

function regularPhase({ spec }: Pod, statuses: readonly ContainerStatus[]): Phase {
  const count = { waiting: 0, running: 0, stopped: 0, succeeded: 0 };
  for (const { state, lastState } of statuses) {
    if (state?.running) count.running++;
    else if (state?.terminated) {
      count.stopped++;
      if (state.terminated.exitCode === 0) count.succeeded++;
    } else if (lastState?.terminated) count.stopped++;
    else count.waiting++;
  }
  if (count.waiting > 0) return "Pending";
  if (count.running > 0 || spec.restartPolicy === "Always" || spec.restartPolicy === undefined) return "Running";
  if (count.stopped === count.succeeded) return "Succeeded";
  return spec.restartPolicy === "Never" ? "Failed" : "Running";
}

/** Of a pod that is deleted: by how its containers ended; none that never ran has ended well. */
function endPhase({ regular }: ContainerStatuses): Phase {
  const codes = regular.map(({ state }) => state?.terminated?.exitCode);
  return codes.every((code) => code === 0) ? "Succeeded" : "Failed";
}
