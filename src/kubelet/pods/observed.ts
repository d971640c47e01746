/** What the runtime shows of one pod. */
import type * as cri from "../cri/messages.ts";
import {
  containerNameLabel,
  messageFileAnnotation,
  imageAnnotation,
  podUidLabel,
  restartCountAnnotation,
} from "./names.ts";

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly isReady: boolean;
  readonly createdAtMs: number;
  /** None for a pod in the node's network. */
  readonly ips: readonly string[];
}

export type ObservedState = "created" | "running" | "exited" | "unknown";

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  /** Of its sandbox; "" where that is not known. */
  readonly sandboxId: string;
  readonly restartCount: number;
  readonly state: ObservedState;
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** As the runtime names it. */
  readonly image: string;
  readonly imageId: string;
  /** As the specification named it; absent where another kubelet made the container. */
  readonly wantedImage?: string;
  readonly logPath: string;
  readonly messageFile?: string;
}

export interface ObservedPod {
  /** Newest first. */
  readonly sandboxes: readonly ObservedSandbox[];
  /** Newest first. */
  readonly containers: readonly ObservedContainer[];
}

export const nothingObserved: ObservedPod = { sandboxes: [], containers: [] };

export function observedSandbox(status: cri.PodSandboxStatus): ObservedSandbox {
  const { network } = status;
  const ips = network ? [network.ip, ...network.additionalIps.map(({ ip }) => ip)].filter((ip) => ip !== "") : [];
  return {
    id: status.id,
    attempt: status.metadata.attempt,
    isReady: status.state === "SANDBOX_READY",
    createdAtMs: status.createdAt / 1e6,
    ips,
  };
}

const states = {
  CONTAINER_CREATED: "created",
  CONTAINER_RUNNING: "running",
  CONTAINER_EXITED: "exited",
  CONTAINER_UNKNOWN: "unknown",
} as const;

export function observedContainer(status: cri.ContainerStatus, sandboxId: string, message = ""): ObservedContainer {
  const wantedImage = status.annotations[imageAnnotation];
  const messageFile = status.annotations[messageFileAnnotation];
  return {
    id: status.id,
    name: status.labels[containerNameLabel] ?? status.metadata.name,
    sandboxId,
    restartCount: Number(status.annotations[restartCountAnnotation] ?? status.metadata.attempt),
    state: states[status.state],
    createdAtMs: status.createdAt / 1e6,
    startedAtMs: status.startedAt / 1e6,
    finishedAtMs: status.finishedAt / 1e6,
    exitCode: status.exitCode,
    reason: status.reason,
    message: message === "" ? status.message : message,
    image: status.image.image,
    imageId: status.imageRef,
    logPath: status.logPath,
    ...(wantedImage === undefined ? {} : { wantedImage }),
    ...(messageFile === undefined ? {} : { messageFile }),
  };
}

export function podUidOf({ labels }: { readonly labels: Readonly<Record<string, string>> }): string | undefined {
  return labels[podUidLabel];
}

export function currentSandbox({ sandboxes }: ObservedPod): ObservedSandbox | undefined {
  return sandboxes[0];
}

/** The newest of this name. */
export function latest({ containers }: ObservedPod, name: string): ObservedContainer | undefined {
  return containers.find((container) => container.name === name);
}

/** The newest but one of this name that has ended. */
export function previous({ containers }: ObservedPod, name: string): ObservedContainer | undefined {
  return containers
    .filter((container) => container.name === name)
    .slice(1)
    .find(({ state }) => state === "exited");
}

export function isRunning({ state }: ObservedContainer): boolean {
  return state === "running";
}
