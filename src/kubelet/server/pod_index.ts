/** Pods as the server sees them. */
import type { Pod } from "../../model/kubernetes.ts";
import type { PreparedVolumes } from "../volumes/pod_volumes.ts";
import type { ObservedContainer, ObservedPod } from "../pods/observed.ts";

export interface PodView {
  /** With the status that is known here. */
  readonly current: Pod;
  readonly observed: ObservedPod;
  /** As they are on the node. */
  readonly volumes?: PreparedVolumes | undefined;
}

/** One that is worked on, also where nobody wants it any more. */
export interface WorkingPod extends PodView {
  readonly isGone: boolean;
  readonly isRejected: boolean;
  /** The runtime has it, and nobody else knew of it. */
  readonly isRuntimeOnly: boolean;
  /** The kubelet ends it by itself. */
  readonly termination: object | undefined;
}

export interface PodIndex {
  all(): readonly PodView[];
  working(): readonly WorkingPod[];
  find(namespace: string, name: string): PodView | undefined;
}

/** What PodManager has of a pod. */
interface Worker {
  readonly state: WorkingPod;
}

export interface PodSource {
  readonly workers: Iterable<Worker>;
  find(namespace: string, name: string): Worker | undefined;
}

export function podIndex(source: PodSource): PodIndex {
  return {
    working: () => [...source.workers].map(({ state }) => state),
    all: () => [...source.workers].map(({ state }) => state).filter(({ isGone }) => !isGone),
    find: (namespace, name) => source.find(namespace, name)?.state,
  };
}

/** The container of that name that runs. */
export function runningContainer({ observed }: PodView, name: string): ObservedContainer | undefined {
  return observed.containers.find((one) => one.name === name && one.state === "running");
}
