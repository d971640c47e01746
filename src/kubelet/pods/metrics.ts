/** What the work on pods tells of itself; a port, so that a test need not count. */
import type { ContainerKind } from "./containers.ts";

export type PodOperation = "create" | "sync" | "kill";

export interface ProbedContainer {
  readonly kind: "startup" | "liveness" | "readiness";
  readonly container: string;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
}

/** How long a pod took until the API showed it running, in s. */
export interface PodStartTimes {
  readonly totalSeconds: number;
  /** Without pulls and init containers; undefined: a pod of which the service level says nothing. */
  readonly sliSeconds: number | undefined;
  readonly isHostNetwork: boolean;
}

/** What came of asking for a container's image. */
export interface EnsuredImage {
  readonly policy: string;
  /** Undefined: not known. */
  readonly isPresent: boolean | undefined;
  readonly isPulled: boolean | undefined;
}

export interface PodMetrics {
  /** A step of a pod is over, well or not. */
  worked(operation: PodOperation, seconds: number): void;
  /** The work on a pod begins, so long after it was seen. */
  begun(seconds: number, containers: number): void;
  /** A pod that this kubelet saw first runs. */
  started(seconds: number): void;
  /** The API shows that it runs. */
  shownStarted(times: PodStartTimes): void;
  /** What changed of a pod's status is in the API, so long after it was found. */
  statusWritten(seconds: number): void;
  /** A pod was looked at. @param intervalSeconds since the look before; undefined: it is the first */
  relisted(seconds: number, intervalSeconds: number | undefined): void;
  probed(about: ProbedContainer, result: "successful" | "failed" | "unknown", seconds: number): void;
  /** Its probes are over for good. */
  forgotten(uid: string): void;
  /** It is begun, whatever comes of it. */
  containerStarted(kind: ContainerKind): void;
  containerFailed(kind: ContainerKind, reason: string): void;
  imageEnsured(image: EnsuredImage): void;
  pulled(bytes: number, seconds: number): void;
  volumeMounted(plugin: string, seconds: number, isMounted: boolean): void;
  /** A hook that sleeps was ended before its time. */
  sleepCut(): void;
  /** A hook that was to speak HTTPS was answered without. */
  hookFellBack(): void;
  /** This node does not let a pod in. */
  rejected(reason: string): void;
  /** The runtime has a pod that nobody wants. */
  orphanFound(): void;
  /** A pod was deleted and is wanted again, by the same uid. */
  restarted(isStatic: boolean): void;
  /** Something was heard of a container, and was not kept until its pod would know it. */
  eventDiscarded(): void;
  /** Folders of pods that nobody knows were removed, or could not be. */
  volumesSwept(removed: number, failed: number): void;
}

/** upstream's types of what a worker of a pod does. */
export function operationOf(step: string): PodOperation {
  if (step === "createSandbox") return "create";
  return /^(stop|remove|cleanUp|release)/.test(step) ? "kill" : "sync";
}
