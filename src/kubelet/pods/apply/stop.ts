/** Containers: stopped with grace, removed. */
import { rm } from "node:fs/promises";
import { reasonOf } from "../../../errors/message.ts";
import { allContainers, containerSubject, type ContainerSpec } from "../containers.ts";
import { removeLog } from "../../logs/rotator.ts";
import { containerLogLink } from "../names.ts";
import { observeContainer } from "../observe.ts";
import { runHook, type Hook } from "./hooks.ts";
import { leastSeconds } from "../termination.ts";
import { type StepOf, type StepRun } from "./run.ts";

export async function stopContainer(run: StepRun, step: StepOf<"stopContainer">): Promise<void> {
  const { deps, state } = run;
  const { runtime, clock, events } = deps;
  const { id, container, graceSeconds } = step;
  const begunMs = clock.now();
  const about = containerSubject(state.pod, container);
  state.killAtMs.set(id, begunMs + graceSeconds * 1000);
  events.event(about, "Normal", "Killing", step.message ?? `Stopping container ${container}`);
  const spec = allContainers(state.pod).find((one) => one.spec.name === container)?.spec;
  const hook = spec?.lifecycle?.preStop;
  try {
    if (spec && hook && step.runsHook && graceSeconds > 0) {
      const failure = await boundedHook(run, step, spec, hook);
      // Not what it said: that may be somebody's secret.
      if (failure !== undefined) events.event(about, "Warning", "FailedPreStopHook", "PreStopHook failed");
    }
    const leftMs = (state.killAtMs.get(id) ?? 0) - clock.now();
    const least = graceSeconds === 0 ? 0 : leastSeconds;
    await runtime.stopContainer(id, Math.max(least, Math.round(leftMs / 1000)));
  } catch (error) {
    events.event(state.pod, "Warning", "FailedKillPod", `error killing pod: ${reasonOf(error)}`);
    throw error;
  } finally {
    state.killAtMs.delete(id);
  }
  const { sandboxId } = state.observed.containers.find((one) => one.id === id) ?? { sandboxId: "" };
  state.putContainer(await observeContainer(runtime, id, sandboxId));
}

async function boundedHook(
  run: StepRun,
  { id, graceSeconds }: StepOf<"stopContainer">,
  spec: ContainerSpec,
  hook: Hook,
): Promise<string | undefined> {
  let hasSlept = false;
  const hooked = runHook(run, spec, id, hook, graceSeconds).then((failure) => {
    hasSlept = (hook.sleep?.seconds ?? 0) <= graceSeconds;
    return failure;
  });
  const failure = await Promise.race([hooked, untilKilled(run, id)]);
  if (hook.sleep && !hasSlept) run.deps.metrics?.sleepCut();
  return failure;
}

/** A hook does not hold up what is to be killed sooner than was said at first. */
async function untilKilled({ deps, state }: StepRun, id: string): Promise<undefined> {
  for (;;) {
    const leftMs = (state.killAtMs.get(id) ?? 0) - deps.clock.now();
    if (leftMs <= 0) return undefined;
    await new Promise<void>((resolve) => deps.clock.after(Math.min(leftMs, 500), resolve));
  }
}

/** The pod is given less time than at first: the container that is being stopped gets the same. */
export async function hastenStop(
  { deps, state }: StepRun,
  { id, graceSeconds }: StepOf<"stopContainer">,
): Promise<void> {
  const killAtMs = deps.clock.now() + graceSeconds * 1000;
  if (killAtMs >= (state.killAtMs.get(id) ?? 0) - 1000) return;
  state.killAtMs.set(id, killAtMs);
  await deps.runtime.stopContainer(id, graceSeconds);
}

export async function removeContainer({ deps, state }: StepRun, step: StepOf<"removeContainer">): Promise<void> {
  const { id, container } = step;
  const log = state.observed.containers.find((one) => one.id === id)?.logPath;
  await deps.runtime.removeContainer(id);
  state.dropContainer(id);
  await rm(containerLogLink(deps.settings.folders, state.pod, container, id), { force: true });
  if (log) await removeLog(log);
}
