/** What a hollow node's agent says: nodes and pods as a kubelet reports them, without anything that runs. */
import type { New, Node, Pod } from "../model/kubernetes.ts";
import { timestamp } from "../model/timestamp.ts";

/** Pods with this annotation end so long after their start: "5s", "1m30s". */
export const exitAfterAnnotation = "fairlead.io/hollow-exit-after";
/** The exit code that they end with; default 0. */
export const exitCodeAnnotation = "fairlead.io/hollow-exit-code";

export interface HollowNode {
  readonly name: string;
  /** From 0. */
  readonly index: number;
  /** Most pods. */
  readonly podCapacity: number;
}

type NodeStatus = NonNullable<Node["status"]>;
type PodStatus = NonNullable<Pod["status"]>;
type ContainerStatus = NonNullable<PodStatus["containerStatuses"]>[number];
type ContainerState = NonNullable<ContainerStatus["state"]>;

const zones = 3;

export function newNode({ name, index }: HollowNode): New<Node> {
  return {
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "hollow",
        "topology.kubernetes.io/zone": `hollow-${index % zones}`,
        "fairlead.io/hollow": "true",
      },
    },
    spec: {},
  };
}

/** Addresses of a node's own: 10.128.0.0/9 for pods, 172.16.0.0/12 for nodes. */
export function nodeAddress(index: number): string {
  return `172.${16 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
}

/** @param slot from 1 to 254 */
export function podAddress(index: number, slot: number): string {
  return `10.${128 + (index >> 8)}.${index & 255}.${slot}`;
}

const healthy = [
  ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
] as const;

export function nodeStatus({ name, index, podCapacity }: HollowNode, startedMs: number, nowMs: number): NodeStatus {
  const amounts = { cpu: "32", memory: "128Gi", "ephemeral-storage": "500Gi", pods: String(podCapacity) };
  return {
    capacity: amounts,
    allocatable: amounts,
    addresses: [
      { type: "InternalIP", address: nodeAddress(index) },
      { type: "Hostname", address: name },
    ],
    conditions: healthy.map(([type, status, reason, message]) => ({
      type,
      status,
      reason,
      message,
      lastHeartbeatTime: timestamp(nowMs),
      lastTransitionTime: timestamp(startedMs),
    })),
    nodeInfo: {
      machineID: name,
      systemUUID: name,
      bootID: name,
      kernelVersion: "hollow",
      osImage: "hollow",
      containerRuntimeVersion: "hollow://0",
      kubeletVersion: "v1.34.0-hollow",
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: "amd64",
    },
  };
}

/** What is to be done for a pod on a hollow node. */
export type PodStep =
  | { readonly do: "report"; readonly phase: "Running" }
  | { readonly do: "end"; readonly phase: "Succeeded" | "Failed"; readonly exitCode: number }
  | { readonly do: "restart" }
  | { readonly do: "remove" };

export interface PodPlan {
  readonly step?: PodStep;
  readonly againAfterMs?: number;
}

export function planPod(pod: Pod, nowMs: number): PodPlan {
  const { phase, startTime } = pod.status ?? {};
  if (pod.metadata.deletionTimestamp !== undefined) return { step: { do: "remove" } };
  if (phase === "Succeeded" || phase === "Failed") return {};
  if (phase !== "Running") return { step: { do: "report", phase: "Running" } };
  const lifeMs = lifeOf(pod);
  if (lifeMs === undefined) return {};
  const leftMs = (lastStartMs(pod) ?? Date.parse(startTime ?? "")) + lifeMs - nowMs;
  if (leftMs > 0) return { againAfterMs: leftMs };
  const exitCode = Number(pod.metadata.annotations?.[exitCodeAnnotation] ?? 0);
  const { restartPolicy } = pod.spec;
  if (restartPolicy === "Always" || (restartPolicy === "OnFailure" && exitCode !== 0))
    return { step: { do: "restart" } };
  return { step: { do: "end", phase: exitCode === 0 ? "Succeeded" : "Failed", exitCode } };
}

/** When its containers began, the last time. */
function lastStartMs({ status }: Pod): number | undefined {
  const startedAt = status?.containerStatuses?.[0]?.state?.running?.startedAt;
  return startedAt === undefined ? undefined : Date.parse(startedAt);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** @returns ms that the pod's containers run; undefined: until it is deleted */
function lifeOf({ metadata }: Pod): number | undefined {
  const text = metadata.annotations?.[exitAfterAnnotation];
  if (text === undefined) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((ms, [, amount, unit]) => ms + Number(amount) * unitMs[unit!]!, 0);
}

/** A pod's status while its containers run. */
export function runningStatus(pod: Pod, addresses: { readonly pod: string; readonly node: string }, nowMs: number) {
  const now = timestamp(nowMs);
  const running = { running: { startedAt: now } };
  const done = { terminated: { exitCode: 0, reason: "Completed", startedAt: now, finishedAt: now } };
  const init = pod.spec.initContainers ?? [];
  const podIP = pod.spec.hostNetwork === true ? addresses.node : addresses.pod;
  return {
    phase: "Running",
    startTime: now,
    hostIP: addresses.node,
    hostIPs: [{ ip: addresses.node }],
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: conditions(now, "True"),
    ...(init.length === 0
      ? {}
      : {
          initContainerStatuses: init.map((c) => containerStatus(c, c.restartPolicy === "Always" ? running : done, 0)),
        }),
    containerStatuses: pod.spec.containers.map((c) => containerStatus(c, running, 0)),
  };
}

/** The status once its containers have ended. */
export function endedStatus(pod: Pod, { phase, exitCode }: PodStep & { do: "end" }, nowMs: number) {
  const now = timestamp(nowMs);
  const startedAt = pod.status?.startTime ?? now;
  const reason = exitCode === 0 ? "Completed" : "Error";
  const ended = { terminated: { exitCode, reason, startedAt, finishedAt: now } };
  return {
    phase,
    conditions: conditions(now, "False", phase === "Succeeded" ? "PodCompleted" : "PodFailed"),
    containerStatuses: pod.spec.containers.map((c) => containerStatus(c, ended, restartsOf(pod, c.name))),
  };
}

export function restartedStatus(pod: Pod, nowMs: number) {
  const running = { running: { startedAt: timestamp(nowMs) } };
  return {
    containerStatuses: pod.spec.containers.map((c) => containerStatus(c, running, restartsOf(pod, c.name) + 1)),
  };
}

function restartsOf({ status }: Pod, name: string): number {
  return status?.containerStatuses?.find((container) => container.name === name)?.restartCount ?? 0;
}

function conditions(now: string, ready: "True" | "False", reason?: string) {
  const condition = (type: string, status: "True" | "False") => ({
    type,
    status,
    lastProbeTime: null,
    lastTransitionTime: now,
    ...(status === "True" || reason === undefined ? {} : { reason }),
  });
  return [
    condition("PodReadyToStartContainers", ready),
    condition("Initialized", "True"),
    condition("Ready", ready),
    condition("ContainersReady", ready),
  ];
}

function containerStatus(
  { name, image = "" }: { readonly name: string; readonly image?: string },
  state: ContainerState,
  restartCount: number,
): ContainerStatus {
  const isRunning = state.running !== undefined;
  return {
    name,
    image,
    imageID: "",
    containerID: `hollow://${name}`,
    state,
    ready: isRunning || state.terminated?.exitCode === 0,
    started: isRunning,
    restartCount,
  };
}
