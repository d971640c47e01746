/** Sandboxes: made, stopped, removed. */
import { mkdir } from "node:fs/promises";
import { reasonOf } from "../../../errors/message.ts";
import type { Pod } from "../../../model/kubernetes.ts";
import type { PodDeps } from "../deps.ts";
import { observedSandbox } from "../observed.ts";
import { observePod, listPod } from "../observe.ts";
import { sandboxConfig } from "../render/sandbox.ts";
import { prepareFirst } from "./prepare.ts";
import { runtimeHandler } from "./runtime_class.ts";
import { type StepOf, type StepRun } from "./run.ts";

export async function createSandbox(run: StepRun, step: StepOf<"createSandbox">): Promise<void> {
  const { deps, state } = run;
  const { pod } = state;
  const { runtime, events } = deps;
  if (step.replaces !== undefined) {
    events.event(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
  }
  const attempt = Math.max(step.attempt, state.nextSandboxAttempt);
  // Whatever comes of it, the name is taken.
  state.nextSandboxAttempt = attempt + 1;
  try {
    const config = sandboxConfig(pod, attempt, deps.settings);
    const [handler] = await Promise.all([
      runtimeHandler(deps, pod),
      ensureCgroup(deps, pod),
      mkdir(config.logDirectory, { recursive: true, mode: 0o755 }),
    ]);
    const prepared = prepareFirst(run);
    // Not left behind where the call fails: the pod's folder may be removed next.
    const id = await runtime.runPodSandbox(config, handler).finally(() => prepared);
    state.putSandbox(observedSandbox(await runtime.podSandboxStatus(id)));
  } catch (error) {
    events.event(pod, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${reasonOf(error)}`);
    throw error;
  }
}

async function ensureCgroup({ cgroups, events }: PodDeps, pod: Pod): Promise<void> {
  try {
    await cgroups.ensure(pod);
  } catch (error) {
    const message = `unable to ensure pod container exists: ${reasonOf(error)}`;
    events.event(pod, "Warning", "FailedCreatePodContainer", message);
    throw error;
  }
}

/** Its containers end with it. */
export async function stopSandbox({ deps, state }: StepRun, { id }: StepOf<"stopSandbox">): Promise<void> {
  try {
    await deps.runtime.stopPodSandbox(id);
  } catch (error) {
    const message = `error killing pod: failed to "KillPodSandbox" for "${state.pod.metadata.uid}": ${reasonOf(error)}`;
    deps.events.event(state.pod, "Warning", "FailedKillPod", message);
    throw error;
  }
  const listed = await listPod(deps.runtime, state.pod.metadata.uid);
  state.observed = await observePod(deps.runtime, listed, state.observed);
}

export async function removeSandbox({ deps, state }: StepRun, { id }: StepOf<"removeSandbox">): Promise<void> {
  await deps.runtime.removePodSandbox(id);
  state.dropSandbox(id);
}
