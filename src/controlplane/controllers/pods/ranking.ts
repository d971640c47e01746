/** Which pods go first when there are too many (pkg/controller ActivePodsWithRanks). Pure. */
import type { Pod } from "../../../model/kubernetes.ts";
import { isActive, isReady, readySinceMs } from "./state.ts";

const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const maxCost = 2 ** 31 - 1;
const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * @param pods of which some are to go
 * @param related pods that share the work: the same owner's other sets' too; several of them on one node go first
 * @returns the pods, those first that are to go first
 */
export function rankForDeletion(pods: readonly Pod[], related: readonly Pod[], nowMs: number): readonly Pod[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    if (!isActive(pod)) continue;
    const node = pod.spec.nodeName ?? "";
    onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const ranked = pods.map((pod) => ranks(pod, onNode.get(pod.spec.nodeName ?? "") ?? 0));
  return ranked.sort((a, b) => compare(a, b, nowMs)).map(({ pod }) => pod);
}

interface Ranked {
  readonly pod: Pod;
  readonly isAssigned: boolean;
  readonly phase: number;
  readonly isReady: boolean;
  readonly cost: number;
  /** Pods beside it on its node, itself among them. */
  readonly crowd: number;
  readonly readySinceMs: number | undefined;
  readonly restarts: Restarts;
  readonly createdMs: number | undefined;
}

function ranks(pod: Pod, crowd: number): Ranked {
  const { creationTimestamp, annotations } = pod.metadata;
  return {
    pod,
    isAssigned: Boolean(pod.spec.nodeName),
    phase: phases[pod.status?.phase ?? ""] ?? 0,
    isReady: isReady(pod),
    cost: deletionCost(annotations?.[costAnnotation]),
    crowd,
    readySinceMs: readySinceMs(pod),
    restarts: restartsOf(pod),
    createdMs: creationTimestamp ? Date.parse(creationTimestamp) : undefined,
  };
}

/** Negative: a goes before b. */
function compare(a: Ranked, b: Ranked, nowMs: number): number {
  return (
    Number(a.isAssigned) - Number(b.isAssigned) ||
    a.phase - b.phase ||
    Number(a.isReady) - Number(b.isReady) ||
    a.cost - b.cost ||
    b.crowd - a.crowd ||
    (a.isReady && b.isReady ? compareAges(a, b, a.readySinceMs, b.readySinceMs, nowMs) : 0) ||
    b.restarts.regular - a.restarts.regular ||
    b.restarts.sidecars - a.restarts.sidecars ||
    compareAges(a, b, a.createdMs, b.createdMs, nowMs)
  );
}

/** Of what is not a number of 32 bits in its plainest form, nothing is held. */
function deletionCost(text: string | undefined): number {
  if (text === undefined || !/^(0|-?[1-9]\d*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost > maxCost || cost < -maxCost - 1 ? 0 : cost;
}

/**
 * What is younger goes first, ages in powers of two (KEP-2185): of two of about the same age either may, and
 * the uid, which is random, says which.
 */
function compareAges(a: Ranked, b: Ranked, aMs: number | undefined, bMs: number | undefined, nowMs: number): number {
  if (aMs === bMs) return 0;
  if (aMs === undefined) return -1;
  if (bMs === undefined) return 1;
  const difference = magnitude(nowMs - aMs) - magnitude(nowMs - bMs);
  if (difference !== 0) return difference;
  return a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1;
}

/** Of nanoseconds, as upstream's durations are. */
function magnitude(ms: number): number {
  return ms > 0 ? Math.trunc(Math.log2(ms * 1e6)) : -1;
}

interface Restarts {
  readonly regular: number;
  readonly sidecars: number;
}

/** The most that one container was started again; sidecars count apart. */
function restartsOf({ spec, status }: Pod): Restarts {
  const sidecars = new Set(
    (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name),
  );
  const most = (counts: readonly number[]): number => counts.reduce((a, b) => Math.max(a, b), 0);
  return {
    regular: most((status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    sidecars: most(
      (status?.initContainerStatuses ?? [])
        .filter(({ name }) => sidecars.has(name))
        .map(({ restartCount }) => restartCount),
    ),
  };
}
