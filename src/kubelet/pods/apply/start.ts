/** One container: made, started, and its postStart hook run. */
import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { reasonOf } from "../../../errors/message.ts";
import { allContainers, containerSubject, graceSecondsOf, type ContainerSpec } from "../containers.ts";
import { containerLogLink, containerLogsFolder, logPathOf, podLogFolder } from "../names.ts";
import { latest, type ObservedContainer } from "../observed.ts";
import { observeContainer } from "../observe.ts";
import { containerConfig } from "../render/container.ts";
import { environment } from "../render/env.ts";
import { rootRefusal } from "../render/security.ts";
import { sandboxConfig } from "../render/sandbox.ts";
import { runHook } from "./hooks.ts";
import { mountsOf } from "./mounts.ts";
import { sourcesOf, takeMessageFile } from "./prepare.ts";
import { nodeFacts, type StepOf, type StepRun } from "./run.ts";
import { stopContainer } from "./stop.ts";

/** What cannot be made is tried again after this long, in ms (pkg/kubelet, backOffPeriod). */
const retryMs = 10_000;

type Start = StepOf<"startContainer">;

export async function startContainer(run: StepRun, step: Start): Promise<void> {
  const found = allContainers(run.state.pod).find((one) => one.spec.name === step.container);
  if (!found) return;
  const { kind, spec } = found;
  const { metrics } = run.deps;
  metrics?.containerStarted(kind);
  const created = await create(run, step, spec);
  const failure = "id" in created ? await start(run, step, spec, created.id) : created.failure;
  if (failure !== undefined) metrics?.containerFailed(kind, failure);
}

type Created = { readonly id: string } | { readonly failure: string };

/** What it could not be made for waits in the container's status. */
async function create(run: StepRun, step: Start, spec: ContainerSpec): Promise<Created> {
  const { deps, state } = run;
  const fail = (reason: string, error: unknown): Created => {
    const message = reasonOf(error);
    deps.events.event(containerSubject(state.pod, spec.name), "Warning", "Failed", `Error: ${message}`);
    state.holds.set(spec.name, { wait: { reason, message }, untilMs: deps.clock.now() + retryMs });
    return { failure: reason };
  };
  let config;
  try {
    config = await wantedConfig(run, step, spec);
  } catch (error) {
    return fail("CreateContainerConfigError", error);
  }
  try {
    const sandbox = state.observed.sandboxes.find(({ id }) => id === step.sandboxId);
    const wantedSandbox = sandboxConfig(state.pod, sandbox?.attempt ?? 0, deps.settings);
    const id = await deps.runtime.createContainer(step.sandboxId, config, wantedSandbox);
    deps.events.event(containerSubject(state.pod, spec.name), "Normal", "Created", `Created container: ${spec.name}`);
    return { id };
  } catch (error) {
    return fail("CreateContainerError", error);
  }
}

async function wantedConfig(run: StepRun, step: Start, spec: ContainerSpec) {
  const { deps, state } = run;
  const { pod } = state;
  const image = state.images.get(spec.name);
  if (!image) throw new Error(`image of container ${spec.name} is not known`);
  const refusal = rootRefusal(pod, spec, image);
  if (refusal !== undefined) throw new Error(refusal);
  const variables = environment({
    pod,
    container: spec,
    sources: await sourcesOf(run, spec),
    services: [...deps.services()],
    node: nodeFacts(run),
  });
  const [mounts, messageFile] = await Promise.all([mountsOf(run, spec, variables), takeMessageFile(run, spec.name)]);
  const targetId = targetOf(run, spec);
  return containerConfig({
    pod,
    container: spec,
    restartCount: step.restartCount,
    imageId: image.id,
    imageUser: image.uid,
    environment: variables,
    mounts,
    messageFile,
    settings: deps.settings,
    ...(targetId === undefined ? {} : { targetId }),
  });
}

/** Container whose processes an ephemeral one sees (kuberuntime_manager.go, getTargetID). */
function targetOf({ state }: StepRun, spec: ContainerSpec): string | undefined {
  const target = (spec as { targetContainerName?: string }).targetContainerName;
  if (!target) return undefined;
  const found = latest(state.observed, target);
  if (!found) throw new Error(`unable to find target container ${target}`);
  return found.id;
}

/** @returns reason why it did not start as it should */
async function start(run: StepRun, step: Start, spec: ContainerSpec, id: string): Promise<string | undefined> {
  const { deps, state } = run;
  const { runtime, events } = deps;
  const about = containerSubject(state.pod, spec.name);
  try {
    await runtime.startContainer(id);
    events.event(about, "Normal", "Started", `Started container ${spec.name}`);
  } catch (error) {
    const message = reasonOf(error);
    events.event(about, "Warning", "Failed", `Error: ${message}`);
    putNew(run, spec.name, await observeContainer(runtime, id, step.sandboxId));
    const reason = "RunContainerError";
    state.holds.set(spec.name, { wait: { reason, message }, untilMs: deps.clock.now() + 1000 });
    return reason;
  }
  const [container] = await Promise.all([
    observeContainer(runtime, id, step.sandboxId),
    linkLog(run, step, id).catch((error: unknown) => deps.onError(`link the log of ${spec.name}`, error)),
  ]);
  putNew(run, spec.name, container);
  const hook = spec.lifecycle?.postStart;
  if (!hook) return undefined;
  run.changed();
  const failure = await runHook(run, spec, id, hook);
  if (failure === undefined) return undefined;
  // Not what it said: that may be somebody's secret.
  events.event(about, "Warning", "FailedPostStartHook", "PostStartHook failed");
  deps.onError(`run the postStart hook of ${spec.name}`, new Error(failure));
  const graceSeconds = graceSecondsOf(state.pod);
  const stop = { do: "stopContainer", id, container: spec.name, graceSeconds, runsHook: true } as const;
  await stopContainer(run, { ...stop, message: "FailedPostStartHook" });
  return "PostStartHookError";
}

/** The wait behind its next end is longer; until the new one is seen, the one before it does not wait. */
function putNew({ deps, state }: StepRun, name: string, container: ObservedContainer): void {
  const before = latest(state.observed, name);
  if (before?.state === "exited") {
    state.noteRestart(name, before.finishedAtMs, deps.clock.now(), deps.settings.crashBackoff);
  }
  // The next start looks again: the image may be gone, or has to be fetched each time.
  state.images.delete(name);
  state.putContainer(container);
}

/** Collectors of logs know containers by these links (kuberuntime, legacyLogSymlink). */
async function linkLog({ deps, state }: StepRun, { container, restartCount }: Start, id: string): Promise<void> {
  const { folders } = deps.settings;
  const log = path.join(podLogFolder(folders, state.pod), logPathOf(container, restartCount));
  await mkdir(containerLogsFolder(folders), { recursive: true });
  await symlink(log, containerLogLink(folders, state.pod, container, id));
}
