/** How the pods of a cluster are, as `fairlead status` says it: by what they can do, for a phase tells little of that. */
import type { Pod } from "../model/kubernetes.ts";

export interface PodCounts {
  /** Running, and fit to serve. */
  readonly ready: number;
  /** Those that came to their end as they should. */
  readonly succeeded: number;
  /** Those that did not; a workload keeps them to be looked at. */
  readonly failed: number;
  /** On their way out. */
  readonly ending: number;
  /** "namespace/name: why": they should be ready. */
  readonly unready: readonly string[];
}

/** So many are named; the others are counted. */
const mostNamed = 5;

export function countPods(pods: readonly Pod[]): PodCounts {
  const all = pods.map((pod) => ({ pod, state: stateOf(pod) }));
  const count = (state: State): number => all.filter((one) => one.state === state).length;
  const unready = all
    .filter(({ state }) => state === "unready")
    .map(({ pod }) => `${pod.metadata.namespace}/${pod.metadata.name}: ${whyUnready(pod)}`);
  return {
    ready: count("ready"),
    succeeded: count("succeeded"),
    failed: count("failed"),
    ending: count("ending"),
    unready,
  };
}

type State = keyof PodCounts;

function stateOf(pod: Pod): State {
  const { phase } = pod.status ?? {};
  if (pod.metadata.deletionTimestamp !== undefined) return "ending";
  if (phase === "Succeeded") return "succeeded";
  if (phase === "Failed") return "failed";
  return conditionOf(pod, "Ready")?.status === "True" ? "ready" : "unready";
}

export function podsText({ ready, succeeded, failed, ending, unready }: PodCounts): string {
  const counts = [
    `${ready} ready`,
    ...(unready.length > 0 ? [`${unready.length} not ready`] : []),
    ...(succeeded > 0 ? [`${succeeded} succeeded`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(ending > 0 ? [`${ending} ending`] : []),
  ];
  const named = unready.slice(0, mostNamed).map((text) => `\n    ${text}`);
  const more = unready.length > mostNamed ? [`\n    and ${unready.length - mostNamed} more`] : [];
  return [counts.join(", "), ...named, ...more].join("");
}

function whyUnready(pod: Pod): string {
  const { phase = "Pending", reason, containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const waiting = [...initContainerStatuses, ...containerStatuses].find(({ state }) => state?.waiting?.reason);
  const scheduled = conditionOf(pod, "PodScheduled");
  const unscheduled = scheduled?.status === "False" ? scheduled.reason : undefined;
  return reason ?? waiting?.state?.waiting?.reason ?? unscheduled ?? conditionOf(pod, "Ready")?.reason ?? phase;
}

function conditionOf({ status }: Pod, type: string) {
  return status?.conditions?.find((condition) => condition.type === type);
}
