/** One container's status as upstream's kubelet writes it (pkg/kubelet/kubelet_pods.go, convertToAPIContainerStatuses). */
import type { Pod } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import type { PodContainer } from "../containers.ts";
import { isRunning, latest, previous, type ObservedContainer } from "../observed.ts";
import type { ContainerState, ContainerStatus, StatusInput } from "./input.ts";

export function containerStatus(input: StatusInput, container: PodContainer): ContainerStatus {
  const { spec } = container;
  const now = latest(input.observed, spec.name);
  const known = apiStatus(input.pod, spec.name);
  if (!now) return unseenStatus(input, container, known);
  const state = stateOf(input, container, now);
  const isUp = isRunning(now);
  const started = isUp && input.isStarted(spec.name);
  return {
    name: spec.name,
    state,
    lastState: lastStateOf(input, now, state),
    ready: isReady(input, container, now, started),
    restartCount: now.restartCount,
    image: now.image,
    imageID: now.imageId,
    containerID: `${input.runtimeName}://${now.id}`,
    started,
    ...resourcesOf(container, isUp),
    ...mountsOf(container),
  };
}

function stateOf(input: StatusInput, container: PodContainer, now: ObservedContainer): ContainerState {
  const wait = input.waits.get(container.spec.name);
  if (isRunning(now)) return { running: { startedAt: timestamp(now.startedAtMs) } };
  if (wait && !input.isTerminating) return { waiting: wait };
  if (now.state === "exited") return terminated(input, now);
  return defaultWait(input.pod, container);
}

function terminated({ runtimeName }: StatusInput, ended: ObservedContainer): ContainerState {
  const { exitCode, reason, message, startedAtMs, finishedAtMs, id } = ended;
  return {
    terminated: {
      exitCode,
      reason,
      ...(message === "" ? {} : { message }),
      startedAt: timestamp(startedAtMs),
      finishedAt: timestamp(finishedAtMs),
      containerID: `${runtimeName}://${id}`,
    },
  };
}

function lastStateOf(input: StatusInput, now: ObservedContainer, state: ContainerState): ContainerState {
  if (now.state === "exited" && !state.terminated) return terminated(input, now);
  const before = previous(input.observed, now.name);
  if (before) return terminated(input, before);
  // The runtime has forgotten it: what was written of it stays.
  const known = apiStatus(input.pod, now.name);
  return known?.restartCount === now.restartCount ? (known.lastState ?? {}) : {};
}

/** Nothing of it is in the runtime: it is to come, or is gone although it was there. */
function unseenStatus(
  input: StatusInput,
  container: PodContainer,
  known: ContainerStatus | undefined,
): ContainerStatus {
  const { name, image = "" } = container.spec;
  const wait = input.waits.get(name);
  const common = { name, ready: false, image, imageID: "", started: false };
  if (known?.state?.terminated) return { ...known, ready: false, started: false };
  const state = wait ? { waiting: wait } : defaultWait(input.pod, container);
  if (!known?.state?.running) {
    return { ...common, state, lastState: known?.lastState ?? {}, restartCount: known?.restartCount ?? 0 };
  }
  const lastState = {
    terminated: {
      exitCode: 137,
      reason: "ContainerStatusUnknown",
      message: "The container could not be located when the pod was deleted.  The container used to be Running",
      startedAt: null,
      finishedAt: null,
    },
  } as unknown as ContainerState;
  if (input.isTerminating) return { ...common, state: lastState, lastState: {}, restartCount: known.restartCount };
  return { ...common, state, lastState, restartCount: known.restartCount + 1 };
}

function defaultWait({ spec }: Pod, { kind }: PodContainer): ContainerState {
  const waitsForInit = kind !== "ephemeral" && (spec.initContainers?.length ?? 0) > 0;
  return { waiting: { reason: waitsForInit ? "PodInitializing" : "ContainerCreating" } };
}

/** An init container is ready once it has ended well; others while they run and their probe says so. */
function isReady(input: StatusInput, container: PodContainer, now: ObservedContainer, started: boolean): boolean {
  if (container.kind === "ephemeral") return false;
  const hasEndedWell = now.state === "exited" && now.exitCode === 0;
  if (container.kind === "init" && container.spec.restartPolicy !== "Always") return hasEndedWell;
  return started && input.isReady(container.spec.name, now.id);
}

function resourcesOf({ kind, spec }: PodContainer, isUp: boolean): object {
  if (kind === "ephemeral" || !isUp) return {};
  const requests = spec.resources?.requests;
  return {
    ...(requests && Object.keys(requests).length > 0 ? { allocatedResources: requests } : {}),
    resources: spec.resources ?? {},
  };
}

function mountsOf({ spec }: PodContainer): object {
  const mounts = spec.volumeMounts ?? [];
  if (mounts.length === 0) return {};
  return {
    volumeMounts: mounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly ? { readOnly, recursiveReadOnly: "Disabled" } : {}),
    })),
  };
}

export function apiStatus({ status }: Pod, name: string): ContainerStatus | undefined {
  const all = [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ];
  return all.find((one) => one.name === name);
}
