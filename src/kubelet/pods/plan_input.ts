/** What a pod's plan is made of, and what it says. */
import type { Pod } from "../../model/kubernetes.ts";
import { durationText } from "./backoff.ts";
import { podText } from "./names.ts";
import type { ObservedPod } from "./observed.ts";
import type { PodStep } from "./steps.ts";

export interface Termination {
  readonly graceSeconds: number;
  /** The pod's API object goes when all is gone: it was deleted. Else it stays (evicted, past its deadline). */
  readonly releases: boolean;
}

export interface FailedProbe {
  readonly kind: "liveness" | "startup";
  readonly graceSeconds?: number;
}

export interface PlanInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly nowMs: number;
  readonly termination?: Termination;
  /** When the grace period of the whole pod is over, where it ends. */
  readonly endsAtMs?: number;
  /** Its phase was final already, by the API. */
  readonly isTerminal: boolean;
  readonly areVolumesReady: boolean;
  /** They are there, and what they show may have changed. */
  readonly areVolumesStale: boolean;
  /** All that it had on this node beside the runtime is gone. */
  readonly isCleanedUp: boolean;
  readonly hasImage: (container: string) => boolean;
  /** When the wait behind a container's end is over, where one holds. */
  readonly backoffUntilMs: (container: string, finishedAtMs: number) => number | undefined;
  readonly backoffDelayMs: (container: string) => number;
  /** What its image or its start failed by, until it is tried again. */
  readonly holdOf: (container: string) => Hold | undefined;
  /** Past its startup probe and its postStart hook. */
  readonly isStarted: (container: string) => boolean;
  readonly failedProbe: (container: string, id: string) => FailedProbe | undefined;
  /** Of a container that the runtime does not know: what the API remembers. */
  readonly restartCountOf: (container: string) => number;
  /** Whether a step whose key begins so is under way. */
  readonly isBusy: (key: string) => boolean;
}

export interface ContainerWait {
  readonly reason: string;
  readonly message: string;
}

export interface Hold {
  readonly wait: ContainerWait;
  readonly untilMs: number;
}

export interface PodPlan {
  readonly steps: readonly PodStep[];
  /** Containers that wait, by name. */
  readonly waits: ReadonlyMap<string, ContainerWait>;
  readonly againAtMs?: number;
}

export function backoffText({ pod, backoffDelayMs }: PlanInput, container: string): string {
  const delay = durationText(backoffDelayMs(container));
  return `back-off ${delay} restarting failed container=${container} pod=${podText(pod)}`;
}
