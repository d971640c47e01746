/** Pods as the server sees them. */
import type { Pod } from "../../model/kubernetes.ts";
import type { ObservedContainer, ObservedPod } from "../pods/observed.ts";

export interface PodView {
  /** With the status that is known here. */
  readonly current: Pod;
  readonly observed: ObservedPod;
}

export interface PodIndex {
  all(): readonly PodView[];
  find(namespace: string, name: string): PodView | undefined;
}

/** What PodManager has of a pod. */
interface Worker {
  readonly state: PodView & { readonly isGone: boolean };
}

export interface PodSource {
  readonly workers: Iterable<Worker>;
  find(namespace: string, name: string): Worker | undefined;
}

export function podIndex(source: PodSource): PodIndex {
  return {
    all: () => [...source.workers].map(({ state }) => state).filter(({ isGone }) => !isGone),
    find: (namespace, name) => source.find(namespace, name)?.state,
  };
}

/** The container of that name that runs. */
export function runningContainer({ observed }: PodView, name: string): ObservedContainer | undefined {
  return observed.containers.find((one) => one.name === name && one.state === "running");
}
