/** A node's object and status from what is known of it (pkg/kubelet/nodestatus/setters.go). */
import type { Node } from "../../model/kubernetes.ts";
import { formatQuantity, nanos } from "../../model/quantity.ts";
import type { Image, RuntimeHandler, RuntimeStatus } from "../cri/messages.ts";
import { pressures, pressureWords, type Pressure } from "./conditions.ts";
import type { NodeFacts } from "./facts.ts";

export type NodeStatus = NonNullable<Node["status"]>;
type Condition = NonNullable<NodeStatus["conditions"]>[number];
type Amounts = Record<string, string>;

export interface NodeSettings {
  readonly name: string;
  readonly hostname: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly providerId: string;
  readonly maxPods: number;
  readonly podsPerCore: number;
  readonly port: number;
  readonly maxImages: number;
  readonly kubeReserved: Readonly<Record<string, string>>;
  readonly systemReserved: Readonly<Record<string, string>>;
  /** evictionHard's, as given. */
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly kubeletVersion: string;
  /** --register-schedulable */
  readonly isSchedulable: boolean;
  /** KubeletConfiguration's enableControllerAttachDetach. */
  readonly controllerAttaches: boolean;
}

export interface NodeView {
  readonly facts: NodeFacts;
  readonly addresses: readonly string[];
  /** Why it is not ready, beside what the runtime says. */
  readonly problems: readonly string[];
  readonly runtimeVersion: string;
  /** Undefined: the runtime does not answer, for this reason. */
  readonly runtime: RuntimeStatus | undefined;
  readonly runtimeError: string;
  readonly images: readonly Image[];
  readonly pressures: readonly Pressure[];
  readonly now: string;
}

export function nodeStatus(settings: NodeSettings, view: NodeView, before: NodeStatus | undefined): NodeStatus {
  const capacity = capacityOf(settings, view.facts);
  return {
    addresses: [
      ...view.addresses.map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: settings.hostname },
    ],
    capacity,
    allocatable: allocatableOf(settings, capacity, view.facts),
    conditions: conditionsOf(view, before?.conditions ?? []),
    daemonEndpoints: { kubeletEndpoint: { Port: settings.port } },
    images: imagesOf(view.images, settings.maxImages),
    nodeInfo: nodeInfoOf(settings, view),
    ...handlersOf(view.runtime?.handlers ?? []),
    ...(view.runtime?.features ? { features: view.runtime.features } : {}),
  };
}

function capacityOf(
  { maxPods, podsPerCore }: NodeSettings,
  { cpus, memoryBytes, diskBytes, hugepages }: NodeFacts,
): Amounts {
  const pods = podsPerCore > 0 ? Math.min(podsPerCore * cpus, maxPods) : maxPods;
  return {
    cpu: String(cpus),
    "ephemeral-storage": `${Math.floor(diskBytes / 1024)}Ki`,
    ...Object.fromEntries([...hugepages].map(([size, bytes]) => [`hugepages-${size}`, String(bytes)])),
    memory: `${Math.floor(memoryBytes / 1024)}Ki`,
    pods: String(pods),
  };
}

/** What is reserved, and what evictions keep free, is not for pods (pkg/kubelet/cm/node_container_manager_linux.go). */
function allocatableOf(settings: NodeSettings, capacity: Amounts, { memoryBytes, diskBytes }: NodeFacts): Amounts {
  const { kubeReserved, systemReserved, evictionHard } = settings;
  const kept: Record<string, bigint> = {
    memory: thresholdOf(evictionHard["memory.available"], memoryBytes),
    "ephemeral-storage": thresholdOf(evictionHard["nodefs.available"], diskBytes),
  };
  const entries = Object.entries(capacity).map(([name, amount]) => {
    const reserved = nanos(kubeReserved[name]) + nanos(systemReserved[name]) + (kept[name] ?? 0n);
    if (reserved === 0n) return [name, amount];
    const left = nanos(amount) - reserved;
    const value = left > 0n ? left : 0n;
    if (name === "memory") return [name, `${value / 1_000_000_000n / 1024n}Ki`];
    return [name, formatQuantity({ nanos: value, format: "DecimalSI" })];
  });
  return Object.fromEntries(entries) as Amounts;
}

function thresholdOf(text: string | undefined, whole: number): bigint {
  if (text === undefined) return 0n;
  if (!text.endsWith("%")) return nanos(text);
  return BigInt(Math.floor((whole * Number(text.slice(0, -1))) / 100)) * 1_000_000_000n;
}

interface Finding {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

function conditionsOf(view: NodeView, before: readonly Condition[]): readonly Condition[] {
  const findings: readonly Finding[] = [
    ...pressures.map((type): Finding => {
      const isSo = view.pressures.includes(type);
      const { reason, message } = pressureWords[type][isSo ? "is" : "isNot"];
      return { type, status: isSo ? "True" : "False", reason, message };
    }),
    ready(view),
  ];
  return findings.map((finding) => {
    const old = before.find(({ type }) => type === finding.type);
    const lastTransitionTime = old?.status === finding.status ? (old.lastTransitionTime ?? view.now) : view.now;
    return { ...finding, lastHeartbeatTime: view.now, lastTransitionTime };
  });
}

function ready({ runtime, runtimeError, problems: others }: NodeView): Finding {
  const own = runtime
    ? runtime.conditions.filter(({ status }) => !status).map(problemOf)
    : [`container runtime is down: ${runtimeError}`];
  const problems = [...own, ...others];
  if (problems.length === 0) {
    return { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
  }
  const message = problems.length === 1 ? problems[0]! : `[${problems.join(", ")}]`;
  return { type: "Ready", status: "False", reason: "KubeletNotReady", message };
}

function problemOf({ type, reason, message }: RuntimeStatus["conditions"][number]): string {
  const what = type === "NetworkReady" ? "container runtime network not ready" : "container runtime not ready";
  return `${what}: ${type}=false reason:${reason} message:${message}`;
}

/** The largest first, each with at most five names (MaxNamesPerImageInNodeStatus). */
function imagesOf(images: readonly Image[], most: number): NodeStatus["images"] & object {
  const shown = images
    .toSorted((a, b) => b.size - a.size)
    .map(({ repoDigests, repoTags, size }) => ({ names: [...repoDigests, ...repoTags].slice(0, 5), sizeBytes: size }));
  return most < 0 ? shown : shown.slice(0, most);
}

function nodeInfoOf(
  { kubeletVersion }: NodeSettings,
  { facts, runtimeVersion }: NodeView,
): NonNullable<NodeStatus["nodeInfo"]> {
  return {
    machineID: facts.machineId,
    systemUUID: facts.systemUuid,
    bootID: facts.bootId,
    kernelVersion: facts.kernelVersion,
    osImage: facts.osImage,
    containerRuntimeVersion: runtimeVersion,
    kubeletVersion,
    kubeProxyVersion: "",
    operatingSystem: "linux",
    ...(facts.swapBytes > 0 ? { swap: { capacity: facts.swapBytes } } : {}),
    architecture: facts.architecture,
  };
}

function handlersOf(handlers: readonly RuntimeHandler[]): object {
  if (handlers.length === 0) return {};
  return { runtimeHandlers: handlers.map(({ name, features }) => ({ name, ...(features ? { features } : {}) })) };
}
