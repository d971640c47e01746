/** Pods: what their containers are doing, in one word (upstream's printPod). */
import type { V1ContainerStatus, V1Pod, V1PodTemplate } from "@kubernetes/client-node";
import type { ApiObject } from "../../resources/resource.ts";
import { age } from "../duration.ts";
import { ageColumn, columns, derived, nameColumn, type Wire } from "./column.ts";
import { containerColumns, formatLabels, none } from "./format.ts";

type Pod = Wire<V1Pod>;
type Status = Wire<V1ContainerStatus>;

export const podColumns = columns<V1Pod>(
  nameColumn,
  {
    name: "Ready",
    about: "The aggregate readiness state of this pod for accepting traffic.",
    cell: (pod) => summary(pod).ready,
  },
  {
    name: "Status",
    about: "The aggregate status of the containers in this pod.",
    cell: (pod) => summary(pod).reason,
  },
  {
    name: "Restarts",
    about:
      "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
    cell: (pod, nowMs) => {
      const { restarts, lastRestart } = summary(pod);
      return restarts > 0 && lastRestart !== "" ? `${restarts} (${age(lastRestart, nowMs)} ago)` : String(restarts);
    },
  },
  ageColumn,
  { name: "IP", wide: true, about: "V1PodStatus#podIP", cell: (pod) => pod.status?.podIPs?.[0]?.ip || none },
  { name: "Node", wide: true, about: "V1PodSpec#nodeName", cell: (pod) => pod.spec?.nodeName || none },
  {
    name: "Nominated Node",
    wide: true,
    about: "V1PodStatus#nominatedNodeName",
    cell: (pod) => pod.status?.nominatedNodeName || none,
  },
  { name: "Readiness Gates", wide: true, about: "V1PodSpec#readinessGates", cell: readinessGates },
);

export const podTemplateColumns = columns<V1PodTemplate>(
  nameColumn,
  // Here they are shown always, unlike in the kinds that hold a template.
  ...containerColumns<V1PodTemplate>((object) => object.template?.spec?.containers).map((column) =>
    derived(column, { priority: 0 }),
  ),
  {
    name: "Pod Labels",
    about: "The labels for the pod template.",
    cell: (object) => formatLabels(object.template?.metadata?.labels),
  },
);

/** What a row says beside its cells: a pod that has ended needs nobody's attention. */
export function podRowConditions(object: ApiObject): readonly object[] | undefined {
  const phase = (object as unknown as Pod).status?.phase;
  if (phase !== "Succeeded" && phase !== "Failed") return undefined;
  const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return [{ type: "Completed", status: "True", reason: phase, message }];
}

interface Summary {
  readonly ready: string;
  readonly reason: string;
  readonly restarts: number;
  /** When the last container that was restarted had ended; "" where none was. */
  readonly lastRestart: string;
}

/** Three columns ask for the same pod in turn. */
let last: { readonly pod: Pod; readonly summary: Summary } | undefined;

function summary(pod: Pod): Summary {
  if (last?.pod !== pod) last = { pod, summary: summarize(pod) };
  return last.summary;
}

/** What goes over the statuses has gathered so far. */
interface Tally {
  reason: string;
  ready: number;
  restarts: number;
  lastRestart: string;
}

function summarize(pod: Pod): Summary {
  const init = overInitContainers(pod);
  const isInitialized = !init.initializing || hasCondition(pod, "Initialized");
  const tally = isInitialized ? overContainers(pod, init) : init;
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  const total = (pod.spec?.containers?.length ?? 0) + sidecars.length;
  return {
    ready: `${tally.ready}/${total}`,
    reason: deletionReason(pod) ?? tally.reason,
    restarts: tally.restarts,
    lastRestart: tally.lastRestart,
  };
}

function initialReason({ status }: Pod): string {
  const isGated = status?.conditions?.some(
    (condition) => condition.type === "PodScheduled" && condition.reason === "SchedulingGated",
  );
  if (isGated) return "SchedulingGated";
  return status?.reason || status?.phase || "";
}

interface InitTally extends Tally {
  readonly initializing: boolean;
  /** Of sidecars alone: what counts once the pod is initialized. */
  readonly sidecars: Tally;
}

/** Init containers in their order, up to the first that has yet to end. */
function overInitContainers(pod: Pod): InitTally {
  const specs = new Map((pod.spec?.initContainers ?? []).map((container) => [container.name, container]));
  const all: Tally = { reason: initialReason(pod), ready: 0, restarts: 0, lastRestart: "" };
  const sidecars: Tally = { reason: "", ready: 0, restarts: 0, lastRestart: "" };
  const statuses = pod.status?.initContainerStatuses ?? [];
  for (const [i, status] of statuses.entries()) {
    const isSidecar = specs.get(status.name)?.restartPolicy === "Always";
    countRestarts(all, status);
    if (isSidecar) countRestarts(sidecars, status);
    if (status.state?.terminated?.exitCode === 0) continue;
    if (isSidecar && status.started) {
      if (status.ready) all.ready++;
      continue;
    }
    const reason = initReason(status) ?? `Init:${i}/${pod.spec?.initContainers?.length ?? 0}`;
    return { ...all, reason, initializing: true, sidecars };
  }
  return { ...all, initializing: false, sidecars };
}

function initReason({ state }: Status): string | undefined {
  if (state?.terminated) return `Init:${terminatedReason(state.terminated)}`;
  const waiting = state?.waiting?.reason;
  return waiting && waiting !== "PodInitializing" ? `Init:${waiting}` : undefined;
}

/** The first container that says something other than that it runs gives the reason: they are gone over from the last. */
function overContainers(pod: Pod, init: InitTally): Tally {
  const { restarts, lastRestart } = init.sidecars;
  const tally: Tally = { reason: init.reason, ready: init.ready, restarts, lastRestart };
  let isAnyRunning = false;
  for (const status of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    countRestarts(tally, status);
    const { state } = status;
    if (state?.waiting?.reason) tally.reason = state.waiting.reason;
    else if (state?.terminated) tally.reason = terminatedReason(state.terminated);
    else if (status.ready && state?.running) {
      isAnyRunning = true;
      tally.ready++;
    }
  }
  if (tally.reason === "Completed" && isAnyRunning) tally.reason = hasCondition(pod, "Ready") ? "Running" : "NotReady";
  return tally;
}

function countRestarts(tally: Tally, status: Status): void {
  tally.restarts += status.restartCount ?? 0;
  const ended = status.lastState?.terminated?.finishedAt;
  if (ended !== undefined && (tally.lastRestart === "" || Date.parse(ended) > Date.parse(tally.lastRestart))) {
    tally.lastRestart = ended;
  }
}

type Terminated = NonNullable<NonNullable<Status["state"]>["terminated"]>;

function terminatedReason({ reason, signal, exitCode }: Terminated): string {
  if (reason) return reason;
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`;
}

function deletionReason({ metadata, status }: Pod): string | undefined {
  if (metadata?.deletionTimestamp === undefined) return undefined;
  if (status?.reason === "NodeLost") return "Unknown";
  return status?.phase === "Succeeded" || status?.phase === "Failed" ? undefined : "Terminating";
}

function hasCondition({ status }: Pod, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ?? false;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return none;
  const passed = gates.filter((gate) => hasCondition(pod, gate.conditionType ?? ""));
  return `${passed.length}/${gates.length}`;
}
