/** What the work on pods tells of itself; a port, so that a test need not count. */

export type PodOperation = "create" | "sync" | "kill";

export interface ProbedContainer {
  readonly kind: "startup" | "liveness" | "readiness";
  readonly container: string;
  readonly pod: string;
  readonly namespace: string;
  readonly uid: string;
}

export interface PodMetrics {
  /** A step of a pod is over, well or not. */
  worked(operation: PodOperation, seconds: number): void;
  /** A pod that this kubelet saw first runs. */
  started(seconds: number): void;
  probed(about: ProbedContainer, result: "successful" | "failed" | "unknown", seconds: number): void;
  /** Its probes are over for good. */
  forgotten(uid: string): void;
}

/** upstream's types of what a worker of a pod does. */
export function operationOf(step: string): PodOperation {
  if (step === "createSandbox") return "create";
  return /^(stop|remove|cleanUp|release)/.test(step) ? "kill" : "sync";
}
