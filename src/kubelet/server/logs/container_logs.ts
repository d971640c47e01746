/** /containerLogs: which container's log is meant, and why there is none (pkg/kubelet/kubelet_pods.go). */
import type { Pod } from "../../../model/kubernetes.ts";
import { apiStatus } from "../../pods/status/container_status.ts";
import { Refusal } from "../refusal.ts";

/** "containerd://0123…" → "0123…" */
const idOf = (containerId: string): string => containerId.replace(/^[^:]*:\/\//, "");

/** @returns the runtime's id of the container @throws Refusal 400 in upstream's words (validateContainerLogStatus) */
export function loggedContainer(pod: Pod, container: string, previous: boolean): string {
  const where = `container "${container}" in pod "${pod.metadata.name}"`;
  const status = apiStatus(pod, container);
  if (!status) throw new Refusal(400, `${where} is not available`);
  const { state = {}, lastState = {}, containerID = "" } = status;
  const last = lastState.terminated?.containerID ?? "";
  if (previous) {
    if (last === "") {
      throw new Refusal(400, `previous terminated ${where} not found`);
    }
    return idOf(last);
  }
  if (state.running) return idOf(containerID);
  if (state.terminated || lastState.terminated) {
    const id = state.terminated?.containerID || last;
    if (id === "") throw new Refusal(400, `${where} is terminated`);
    return idOf(id);
  }
  if (state.waiting) throw new Refusal(400, `${where} is waiting to start: ${waitingWords(state.waiting.reason)}`);
  throw new Refusal(400, `${where} is waiting to start - no logs yet`);
}

const waits: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: "trying and failing to pull image",
};

function waitingWords(reason = ""): string {
  return waits[reason] ?? reason;
}
