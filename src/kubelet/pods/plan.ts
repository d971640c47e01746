/** One pod as it is wanted and as it is → what is to be done now, and why what waits does so. */
import { stopSteps, terminationSteps } from "./termination.ts";
import { backoffText, type ContainerWait, type PlanInput, type PodPlan } from "./plan_input.ts";
import { allContainers, graceSecondsOf, isSidecar, restarts, type PodContainer } from "./containers.ts";
import { currentSandbox, isRunning, latest, type ObservedContainer, type ObservedSandbox } from "./observed.ts";
import type { PodStep } from "./steps.ts";

export function planPod(input: PlanInput): PodPlan {
  if (input.termination) return { steps: terminationSteps(input), waits: new Map() };
  if (isOver(input)) return { steps: [...stopSteps(input), ...endSteps(input)], waits: new Map() };
  const sandbox = currentSandbox(input.observed);
  const steps: PodStep[] = [];
  // The first to be begun: it takes longest, and all else is there before it.
  if (!sandbox?.isReady) steps.push(...sandboxSteps(input, sandbox));
  if (!input.areVolumesReady || input.areVolumesStale) steps.push({ do: "prepareVolumes" });
  if (!sandbox?.isReady) return { steps: [...steps, ...imageSteps(input, firstImages(input))], waits: new Map() };
  // One that an earlier kubelet asked for came meanwhile: which of them the pod lives in is not known yet.
  if (input.isBusy("createSandbox")) return { steps, waits: new Map() };
  return withContainers(input, sandbox, [...steps, ...surplusSteps(input, sandbox)]);
}

/** Every container has ended for good: what has a phase of its own is in the status's derivation. */
export function isOver({ pod, observed, isTerminal }: PlanInput): boolean {
  if (isTerminal) return true;
  const regular = allContainers(pod).filter(({ kind }) => kind === "regular");
  const isDone = (container: PodContainer): boolean => {
    const status = latest(observed, container.spec.name);
    return status?.state === "exited" && !restarts(pod, container, status.exitCode);
  };
  if (regular.every(isDone)) return true;
  // An init container that failed for good: nothing behind it will run.
  const failed = allContainers(pod).find((one) => one.kind === "init" && !isSidecar(one) && isFailed(one));
  return failed !== undefined && pod.spec.restartPolicy === "Never";

  function isFailed({ spec }: PodContainer): boolean {
    const status = latest(observed, spec.name);
    return status?.state === "exited" && status.exitCode !== 0;
  }
}

function endSteps({ observed, isBusy, isCleanedUp }: PlanInput): readonly PodStep[] {
  if (observed.containers.some(isRunning) || isBusy("prepareVolumes")) return [];
  const ready = observed.sandboxes.filter((sandbox) => sandbox.isReady);
  const stops = ready.map(({ id }) => ({ do: "stopSandbox" as const, id }));
  if (stops.length > 0) return stops;
  return isCleanedUp ? [] : [{ do: "cleanUp" }];
}

/** Containers of a sandbox that ended cannot go on: their network is gone. */
function sandboxSteps(input: PlanInput, before: ObservedSandbox | undefined): readonly PodStep[] {
  const running = input.observed.containers.filter(isRunning);
  if (running.length > 0) return running.map(({ id, name }) => stopStep(id, name, graceSecondsOf(input.pod)));
  const attempt = before ? before.attempt + 1 : 0;
  return [{ do: "createSandbox", attempt, ...(before ? { replaces: before.id } : {}) }];
}

/** A pod has one sandbox (kuberuntime_manager.go, PodSandboxChanged): what runs in another has another address. */
function surplusSteps({ pod, observed }: PlanInput, current: ObservedSandbox): readonly PodStep[] {
  const others = observed.sandboxes.filter(({ id, isReady }) => isReady && id !== current.id);
  return others.flatMap(({ id }): PodStep[] => {
    const running = observed.containers.filter((one) => isRunning(one) && one.sandboxId === id);
    if (running.length === 0) return [{ do: "stopSandbox", id }];
    return running.map((one) => stopStep(one.id, one.name, graceSecondsOf(pod)));
  });
}

function withContainers(input: PlanInput, sandbox: ObservedSandbox, steps: PodStep[]): PodPlan {
  const waits = new Map<string, ContainerWait>();
  const wanted: PodContainer[] = [];
  let againAtMs: number | undefined;
  for (const container of nextContainers(input, sandbox)) {
    const verdict = judge(input, container);
    if (verdict.do === "stop") steps.push(verdict.step);
    if (verdict.do === "wait") {
      waits.set(container.spec.name, verdict.wait);
      againAtMs = Math.min(againAtMs ?? Infinity, verdict.untilMs);
    }
    if (verdict.do === "start") wanted.push(container);
  }
  steps.push(...imageSteps(input, wanted), ...startSteps(input, sandbox, wanted), ...removals(input, sandbox));
  return { steps, waits, ...(againAtMs === undefined ? {} : { againAtMs }) };
}

/** Those that may run now: init containers one after another, each sidecar once those before it are up. */
function nextContainers({ pod, observed, isStarted }: PlanInput, sandbox: ObservedSandbox): readonly PodContainer[] {
  const all = allContainers(pod);
  // They start whatever the others do (kuberuntime_manager.go, SyncPod).
  const next = all.filter(({ kind }) => kind === "ephemeral");
  const hasBegun = all.some(({ kind, spec }) => {
    const status = latest(observed, spec.name);
    return kind === "regular" && status?.sandboxId === sandbox.id && status.state !== "created";
  });
  for (const container of all) {
    if (container.kind === "regular") next.push(container);
    if (container.kind !== "init" || (hasBegun && !isSidecar(container))) continue;
    const status = latest(observed, container.spec.name);
    const isHere = status?.sandboxId === sandbox.id;
    if (isSidecar(container)) {
      next.push(container);
      if (!hasBegun && !(isHere && isRunning(status) && isStarted(container.spec.name))) return next;
      continue;
    }
    if (isHere && status.state === "exited" && status.exitCode === 0) continue;
    return [...next, container];
  }
  return next;
}

type Verdict =
  | { readonly do: "nothing" | "start" }
  | { readonly do: "wait"; readonly wait: ContainerWait; readonly untilMs: number }
  | { readonly do: "stop"; readonly step: PodStep };

function judge(input: PlanInput, container: PodContainer): Verdict {
  const { pod, observed } = input;
  const { name } = container.spec;
  const status = latest(observed, name);
  if (status && isRunning(status)) return judgeRunning(input, container, status);
  const hold = input.holdOf(name);
  if (hold) return { do: "wait", ...hold };
  if (!status || status.state === "created") return { do: "start" };
  const isOfBefore = status.sandboxId !== currentSandbox(observed)?.id;
  const isInitAgain = container.kind === "init" && isOfBefore;
  if (!isInitAgain && !restarts(pod, container, status.exitCode)) return { do: "nothing" };
  const untilMs = input.backoffUntilMs(name, status.finishedAtMs);
  if (untilMs === undefined) return { do: "start" };
  const message = backoffText(input, name);
  return { do: "wait", untilMs, wait: { reason: "CrashLoopBackOff", message } };
}

function judgeRunning({ pod, failedProbe }: PlanInput, { spec }: PodContainer, status: ObservedContainer): Verdict {
  const grace = graceSecondsOf(pod);
  if (status.wantedImage !== undefined && status.wantedImage !== spec.image) {
    const message = `Container ${spec.name} definition changed, will be restarted`;
    return { do: "stop", step: { ...stopStep(status.id, spec.name, grace), message } };
  }
  const probe = failedProbe(spec.name, status.id);
  if (!probe) return { do: "nothing" };
  const message = `Container ${spec.name} failed ${probe.kind} probe, will be restarted`;
  return { do: "stop", step: { ...stopStep(status.id, spec.name, probe.graceSeconds ?? grace), message } };
}

/** Images are fetched beside the sandbox's start: the first container's way is as short as it can be. */
function firstImages({ pod }: PlanInput): readonly PodContainer[] {
  return allContainers(pod)
    .filter(({ kind }) => kind !== "ephemeral")
    .slice(0, 1);
}

function imageSteps({ hasImage, holdOf }: PlanInput, containers: readonly PodContainer[]): readonly PodStep[] {
  return containers
    .filter(({ spec }) => !hasImage(spec.name) && !holdOf(spec.name))
    .map(({ spec }) => ({ do: "ensureImage", container: spec.name }));
}

/** One after another in their order, as upstream does: a postStart hook holds up those behind it. */
function startSteps(
  { observed, areVolumesReady, hasImage, isBusy, restartCountOf }: PlanInput,
  sandbox: ObservedSandbox,
  wanted: readonly PodContainer[],
): readonly PodStep[] {
  if (!areVolumesReady || isBusy("startContainer ")) return [];
  const [first] = wanted;
  if (!first || !hasImage(first.spec.name)) return [];
  const { name } = first.spec;
  const before = latest(observed, name);
  const restartCount = before ? before.restartCount + 1 : restartCountOf(name);
  return [{ do: "startContainer", container: name, kind: first.kind, sandboxId: sandbox.id, restartCount }];
}

/** Of each container the last that ended is kept, for its log and status (MaxPerPodContainer 1); so are sandboxes. */
function removals({ observed }: PlanInput, sandbox: ObservedSandbox): readonly PodStep[] {
  const seen = new Map<string, number>();
  const steps: PodStep[] = [];
  for (const { id, name, state } of observed.containers) {
    const dead = seen.get(name) ?? 0;
    if (state !== "running" && dead >= 2) steps.push({ do: "removeContainer", id, container: name });
    seen.set(name, dead + 1);
  }
  const used = new Set(observed.containers.map(({ sandboxId }) => sandboxId));
  const idle = observed.sandboxes.filter(({ id, isReady }) => id !== sandbox.id && !used.has(id) && !isReady);
  return [...steps, ...idle.map(({ id }) => ({ do: "removeSandbox" as const, id }))];
}

function stopStep(id: string, container: string, graceSeconds: number): PodStep & { do: "stopContainer" } {
  return { do: "stopContainer", id, container, graceSeconds, runsHook: true };
}
