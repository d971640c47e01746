/**
 * How long a pod takes until the API shows it running (sig-scalability, slos/pod_startup_latency.md): from its creation to
 * the watch that shows all its containers started. What the pod's author answers for is taken off: pulls, init containers.
 */
import type { Pod } from "../../model/kubernetes.ts";
import { isSidecar } from "./containers.ts";
import type { PodStartTimes } from "./metrics.ts";
import { isFinal } from "./status/phase.ts";

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export class PodStart {
  readonly #pulls: Span[] = [];
  #isOver: boolean;

  /** @param pod as it was seen first: one that another kubelet took up already is not measured */
  constructor(pod: Pod) {
    this.#isOver = pod.status?.startTime !== undefined || isUnschedulable(pod);
  }

  pulled(fromMs: number, toMs: number): void {
    if (!this.#isOver) this.#pulls.push({ fromMs, toMs });
  }

  /** @returns once, when all has started */
  shown(pod: Pod, nowMs: number): PodStartTimes | undefined {
    if (this.#isOver) return undefined;
    this.#isOver = isFinal(pod.status?.phase) || isUnschedulable(pod);
    if (this.#isOver || !hasStarted(pod)) return undefined;
    this.#isOver = true;
    return startTimes(pod, this.#pulls, nowMs);
  }
}

function startTimes(pod: Pod, pulls: readonly Span[], nowMs: number): PodStartTimes {
  const totalMs = nowMs - Date.parse(pod.metadata.creationTimestamp);
  const sliMs = totalMs - coveredMs([...pulls, ...initRuns(pod)]);
  return {
    totalSeconds: totalMs / 1000,
    sliSeconds: isStateful(pod) ? undefined : Math.max(0, sliMs) / 1000,
    isHostNetwork: pod.spec.hostNetwork === true,
  };
}

/** What several of them cover at once counts once. */
function coveredMs(spans: readonly Span[]): number {
  let endMs = -Infinity;
  let sum = 0;
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    sum += Math.max(0, toMs - Math.max(fromMs, endMs));
    endMs = Math.max(endMs, toMs);
  }
  return sum;
}

/** The last run of each; a sidecar's is none. */
function initRuns({ spec, status }: Pod): readonly Span[] {
  return (status?.initContainerStatuses ?? []).flatMap(({ name, state }) => {
    const own = spec.initContainers?.find((one) => one.name === name);
    const ended = state?.terminated;
    if (!own || isSidecar({ kind: "init", spec: own }) || !ended?.startedAt || !ended.finishedAt) return [];
    return [{ fromMs: Date.parse(ended.startedAt), toMs: Date.parse(ended.finishedAt) }];
  });
}

function hasStarted({ status }: Pod): boolean {
  const statuses = status?.containerStatuses ?? [];
  return statuses.length > 0 && statuses.every(({ state }) => state?.running?.startedAt !== undefined);
}

/** Whether it waited for more than a scheduler: for room, or for others to go. */
function isUnschedulable({ status }: Pod): boolean {
  return status?.conditions?.some((one) => one.type === "PodScheduled" && one.status === "False") ?? false;
}

/** A volume of any other kind may take whatever time it takes. */
function isStateful({ spec }: Pod): boolean {
  return (spec.volumes ?? []).some(
    ({ secret, configMap, downwardAPI, emptyDir, projected }) =>
      !secret && !configMap && !downwardAPI && !emptyDir && !projected,
  );
}
