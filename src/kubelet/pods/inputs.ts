/** What is remembered and probed of a pod → what its plan and its status are made of. */
import { timestamp } from "../../model/timestamp.ts";
import type { PodProbes } from "../probes/pod_probes.ts";
import { waitsUntil } from "./backoff.ts";
import { allContainers, graceSecondsOf, type ContainerSpec } from "./containers.ts";
import type { PodDeps } from "./deps.ts";
import { isRunning, latest } from "./observed.ts";
import { isOver } from "./plan.ts";
import type { PlanInput, Termination } from "./plan_input.ts";
import type { PodState } from "./pod_state.ts";
import { apiStatus } from "./status/container_status.ts";
import type { StatusInput } from "./status/input.ts";
import { isFinal } from "./status/phase.ts";

export function planInput(deps: PodDeps, state: PodState, probes: PodProbes): PlanInput {
  const { clock, settings } = deps;
  const nowMs = clock.now();
  const termination = terminationOf(deps, state);
  return {
    pod: state.pod,
    observed: state.observed,
    nowMs,
    ...(termination ? { termination, endsAtMs: endOf(state, termination, nowMs) } : {}),
    isTerminal: isFinal(state.current.status?.phase),
    areVolumesReady: state.volumes !== undefined,
    areVolumesStale: state.volumes !== undefined && state.areVolumesStale,
    isCleanedUp: state.isCleanedUp,
    hasImage: (name) => state.images.has(name),
    backoffUntilMs: (name, finishedAtMs) =>
      waitsUntil(state.crashes.get(name), finishedAtMs, nowMs, settings.crashBackoff),
    backoffDelayMs: (name) => state.crashes.get(name)?.delayMs ?? 0,
    holdOf: (name) => {
      const hold = state.holds.get(name);
      return hold && hold.untilMs > nowMs ? hold : undefined;
    },
    isStarted: (name) => isStarted(state, probes, name),
    failedProbe: (_name, id) => probes.failed(id),
    restartCountOf: (name) => {
      const known = apiStatus(state.pod, name);
      return known?.containerID ? known.restartCount + 1 : 0;
    },
    isBusy: (prefix) => state.isBusy(prefix),
  };
}

/** A grace period counts from when the pod was first seen to end; one that is shortened, from then. */
function endOf(state: PodState, { graceSeconds }: Termination, nowMs: number): number {
  state.endsAtMs = Math.min(state.endsAtMs ?? Infinity, nowMs + graceSeconds * 1000);
  return state.endsAtMs;
}

/** Not before its postStart hook has ended, which is part of its start. */
function isStarted(state: PodState, probes: PodProbes, name: string): boolean {
  const now = latest(state.observed, name);
  const spec = specOf(state, name);
  if (!now || !spec || state.busy.has(`startContainer ${name}`)) return false;
  return isRunning(now) && probes.isStarted(spec, now.id);
}

function specOf({ pod }: PodState, name: string): ContainerSpec | undefined {
  return allContainers(pod).find(({ spec }) => spec.name === name)?.spec;
}

/** Whether and how the pod ends: it was deleted, or is past its deadline. */
export function terminationOf(deps: PodDeps, state: PodState): Termination | undefined {
  const graceSeconds = graceSecondsOf(state.pod);
  if (state.pod.metadata.deletionTimestamp !== undefined || state.isGone) return { graceSeconds, releases: true };
  const untilMs = deadlineMs(state);
  if (untilMs !== undefined && deps.clock.now() >= untilMs && !state.termination) {
    const message = "Pod was active on the node longer than the specified deadline";
    deps.events.event(state.pod, "Normal", "DeadlineExceeded", message);
    state.termination = { graceSeconds, releases: false, failure: { reason: "DeadlineExceeded", message } };
  }
  return state.termination;
}

export function deadlineMs(state: PodState): number | undefined {
  const { activeDeadlineSeconds: seconds } = state.pod.spec;
  const { phase, startTime } = state.current.status ?? {};
  if (seconds === undefined || startTime === undefined || isFinal(phase)) return undefined;
  return Date.parse(startTime) + seconds * 1000;
}

export function statusInput(deps: PodDeps, state: PodState, probes: PodProbes, input: PlanInput): StatusInput {
  const isEnding = input.termination !== undefined;
  const isIdle = !state.isBusy("startContainer ") && !state.isBusy("createSandbox");
  const failure = state.termination?.failure;
  return {
    pod: state.current,
    observed: state.observed,
    now: timestamp(input.nowMs),
    runtimeName: deps.runtimeName,
    nodeIps: deps.nodeIps(),
    waits: state.waits,
    isTerminating: isEnding,
    hasEnded: !state.observed.containers.some(isRunning) && isIdle && (isEnding || isOver(input)),
    ...(failure ? { failure } : {}),
    isRejected: state.isRejected,
    isStarted: input.isStarted,
    isReady: (name, id) => {
      const spec = specOf(state, name);
      return spec !== undefined && probes.isReady(spec, id) && !isEnding;
    },
  };
}
