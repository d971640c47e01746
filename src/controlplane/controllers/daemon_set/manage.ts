/** One pod on each node that should have one (pkg/controller/daemon podsShouldBeOnNode, manage). Pure. */
import type { DaemonSet, Node, Pod } from "../../../model/kubernetes.ts";
import { scaled } from "../int_or_percent.ts";
import { revisionLabel } from "../history/revisions.ts";
import { isAvailable, isReady } from "../pods/state.ts";
import type { NodeRule } from "./nodes.ts";
import { oldestFirst, type PodsByNode } from "./pods.ts";
import type { Changes, PodStep } from "./steps.ts";

export interface Managed extends Changes {
  /** Of failed and succeeded pods that are replaced. */
  readonly told: readonly PodStep[];
  /** Nodes whose failed pod is deleted now: the next one there waits longer. */
  readonly failedOn: readonly string[];
  /** When the first failed pod that waits may be deleted. */
  readonly againAfterMs?: number;
}

export interface ManageInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: PodsByNode;
  readonly rule: NodeRule;
  readonly hash: string;
  /** How long a failed pod on a node is left yet; 0: not at all. */
  readonly backOffMs: (node: string) => number;
}

export function allowsSurge({ spec }: DaemonSet): boolean {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  return type === "RollingUpdate" && scaled(rollingUpdate?.maxSurge, 1, true) > 0;
}

export function manage(input: ManageInput, nowMs: number): Managed {
  const nodes: string[] = [];
  const pods: Pod[] = [];
  const told: PodStep[] = [];
  const failedOn: string[] = [];
  const waits: number[] = [];
  for (const node of input.nodes) {
    const { name } = node.metadata;
    const { shouldRun, mayStay } = input.rule(node);
    const there = input.pods.get(name);
    const alive = (there ?? []).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (shouldRun && !there) nodes.push(name);
    else if (!mayStay) pods.push(...alive);
    else {
      const ended = endedPods(alive, name, input.backOffMs(name));
      told.push(...ended.told);
      pods.push(...ended.pods);
      if (ended.hasFailed) failedOn.push(name);
      if (ended.waitMs > 0) waits.push(ended.waitMs);
      const running = alive.filter(({ status }) => status?.phase !== "Failed" && status?.phase !== "Succeeded");
      if (!allowsSurge(input.set)) pods.push(...running.sort(oldestFirst).slice(1));
      else if (running.length === 0 && shouldRun) nodes.push(name);
      else if (running.length > 1) pods.push(...superfluous(input, running, nowMs));
    }
  }
  pods.push(...withoutNode(input));
  const againAfterMs = waits.length === 0 ? {} : { againAfterMs: Math.min(...waits) };
  return { nodes, pods, told, failedOn, ...againAfterMs };
}

/** Pods that ended are deleted; failed ones only now and then, for a kubelet may refuse every one. */
function endedPods(alive: readonly Pod[], node: string, backOffMs: number) {
  const told: PodStep[] = [];
  const pods: Pod[] = [];
  let hasFailed = false;
  let waitMs = 0;
  for (const pod of alive) {
    const { phase } = pod.status ?? {};
    const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (phase === "Failed" && backOffMs > 0) waitMs = backOffMs;
    else if (phase === "Failed") {
      hasFailed = true;
      const message = `Found failed daemon pod ${name} on node ${node}, will try to kill it`;
      told.push({ kind: "tell", type: "Warning", reason: "FailedDaemonPod", message });
      pods.push(pod);
    } else if (phase === "Succeeded") {
      const message = `Found succeeded daemon pod ${name} on node ${node}, will try to delete it`;
      told.push({ kind: "tell", type: "Normal", reason: "SucceededDaemonPod", message });
      pods.push(pod);
    }
  }
  return { told, pods, hasFailed, waitMs };
}

/**
 * With a surge two pods may be on a node: the oldest of the present template while it is not available, and
 * the oldest of another while it is ready.
 */
function superfluous({ set, hash }: ManageInput, running: readonly Pod[], nowMs: number): readonly Pod[] {
  const sorted = [...running].sort(oldestFirst);
  const isNew = ({ metadata }: Pod): boolean => metadata.labels?.[revisionLabel] === hash;
  const fresh = sorted.find(isNew);
  const old = sorted.find((pod) => !isNew(pod));
  const others = sorted.filter((pod) => pod !== fresh && pod !== old);
  if (!fresh || !old) return others;
  const isDone = !isReady(old) || isAvailable(fresh, set.spec.minReadySeconds, nowMs);
  return isDone ? [...others, old] : others;
}

/** Pods for nodes that are gone, which were never bound and which nobody else would delete. */
function withoutNode({ nodes, pods }: ManageInput): readonly Pod[] {
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  return [...pods].flatMap(([node, there]) => (names.has(node) ? [] : there.filter(({ spec }) => !spec.nodeName)));
}
