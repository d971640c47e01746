/** Pods that nobody else would ever delete (upstream: pkg/controller/podgc). Pure. */
import type { Node, Pod } from "../../../model/kubernetes.ts";
import type { WantedCondition } from "../pods/conditions.ts";

export const outOfService = "node.kubernetes.io/out-of-service";

export interface PodRemoval {
  readonly type: "delete";
  readonly pod: Pod;
  /** Why its work was cut short, where it was. */
  readonly condition?: WantedCondition;
  /** It has not ended, and nobody is there who could say so. */
  readonly fails: boolean;
}

export interface PodGcOptions {
  readonly threshold: number;
  /** @returns undefined where there is no such node */
  readonly nodeOf: (name: string) => Node | undefined;
  /** Whether a node is known to be gone, for long enough. */
  readonly isGone: (name: string) => boolean;
}

export function planPodGc(pods: readonly Pod[], options: PodGcOptions): readonly PodRemoval[] {
  const removals = new Map<string, PodRemoval>();
  const add = (removal: PodRemoval): void => {
    const { uid } = removal.pod.metadata;
    if (!removals.has(uid)) removals.set(uid, removal);
  };
  for (const pod of ended(pods, options.threshold)) add({ type: "delete", pod, fails: false });
  for (const pod of pods) {
    const removal = orphaned(pod, options) ?? stuck(pod, options);
    if (removal) add(removal);
  }
  return [...removals.values()];
}

/** The oldest of those that have ended, beyond the threshold; 0: none. */
function ended(pods: readonly Pod[], threshold: number): readonly Pod[] {
  if (threshold <= 0) return [];
  const all = pods.filter(hasEnded);
  if (all.length <= threshold) return [];
  const byAge = [...all].sort((a, b) => Number(isEvicted(b)) - Number(isEvicted(a)) || compare(ageKey(a), ageKey(b)));
  return byAge.slice(0, all.length - threshold);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function ageKey({ metadata }: Pod): string {
  return `${metadata.creationTimestamp} ${metadata.namespace ?? ""}/${metadata.name}`;
}

function isEvicted({ status }: Pod): boolean {
  return status?.phase === "Failed" && status.reason === "Evicted";
}

function hasEnded({ status }: Pod): boolean {
  return !["Pending", "Running", "Unknown"].includes(status?.phase ?? "Pending");
}

function orphaned(pod: Pod, { isGone }: PodGcOptions): PodRemoval | undefined {
  const { nodeName = "" } = pod.spec;
  if (nodeName === "" || !isGone(nodeName)) return undefined;
  const condition: WantedCondition = {
    type: "DisruptionTarget",
    status: "True",
    reason: "DeletionByPodGC",
    message: "PodGC: node no longer exists",
  };
  return { type: "delete", pod, condition, fails: !isFinal(pod) };
}

/** Being deleted, where no kubelet will ever say that it has ended. */
function stuck(pod: Pod, { nodeOf }: PodGcOptions): PodRemoval | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return undefined;
  const { nodeName = "" } = pod.spec;
  if (nodeName === "") return { type: "delete", pod, fails: !isFinal(pod) };
  const node = nodeOf(nodeName);
  if (!node || isReady(node) || !node.spec.taints?.some(({ key }) => key === outOfService)) return undefined;
  return { type: "delete", pod, fails: !isFinal(pod) };
}

function isFinal({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}
