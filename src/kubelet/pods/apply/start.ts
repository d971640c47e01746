/** One container: made, started, and its postStart hook run. */
import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { allContainers, type ContainerSpec } from "../containers.ts";
import { containerLogLink, containerLogsFolder } from "../names.ts";
import { latest } from "../observed.ts";
import { observeContainer } from "../observe.ts";
import { containerConfig } from "../render/container.ts";
import { environment, type Sources } from "../render/env.ts";
import { rootRefusal } from "../render/security.ts";
import { sandboxConfig } from "../render/sandbox.ts";
import { runHook } from "./hooks.ts";
import { mountsOf, newMessageFile } from "./mounts.ts";
import { nodeFacts, reasonOf, type StepOf, type StepRun } from "./run.ts";

/** What cannot be made is tried again after this long, in ms (pkg/kubelet, backOffPeriod). */
const retryMs = 10_000;

type Start = StepOf<"startContainer">;

export async function startContainer(run: StepRun, step: Start): Promise<void> {
  const { deps, state } = run;
  const spec = allContainers(state.pod).find((one) => one.spec.name === step.container)?.spec;
  if (!spec) return;
  const id = await created(run, step, spec);
  if (id === undefined) return;
  const nowMs = deps.clock.now();
  const before = latest(state.observed, spec.name);
  if (before?.state === "exited") {
    state.noteRestart(spec.name, before.finishedAtMs, nowMs, deps.settings.crashBackoff);
  }
  // The next start looks again: the image may be gone, or has to be fetched each time.
  state.images.delete(spec.name);
  await started(run, step, spec, id);
}

/** @returns undefined where it could not be made: the reason waits in the container's status */
async function created(run: StepRun, step: Start, spec: ContainerSpec): Promise<string | undefined> {
  const { deps, state } = run;
  const fail = (reason: string, error: unknown): undefined => {
    const message = reasonOf(error);
    deps.events.event(state.pod, "Warning", "Failed", `Error: ${message}`);
    state.holds.set(spec.name, { wait: { reason, message }, untilMs: deps.clock.now() + retryMs });
    return undefined;
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
    deps.events.event(state.pod, "Normal", "Created", `Created container: ${spec.name}`);
    return id;
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
  const [mounts, messageFile] = await Promise.all([mountsOf(run, spec, variables), newMessageFile(run, spec.name)]);
  const target = (spec as { targetContainerName?: string }).targetContainerName;
  const targetId = target === undefined ? undefined : latest(state.observed, target)?.id;
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

/** Reads all objects that a container's environment names. */
async function sourcesOf({ sources, state }: StepRun, { env = [], envFrom = [] }: ContainerSpec): Promise<Sources> {
  const { pod } = state;
  const configMaps = new Map<string, Record<string, string> | undefined>();
  const secrets = new Map<string, Record<string, string> | undefined>();
  const read = async (kind: "configMap" | "secret", name: string | undefined): Promise<void> => {
    if (!name) return;
    const content = await sources[kind](name, pod);
    const text = content && Object.fromEntries([...content].map(([key, value]) => [key, value.toString()]));
    (kind === "configMap" ? configMaps : secrets).set(name, text);
  };
  await Promise.all([
    ...envFrom.map(({ configMapRef }) => read("configMap", configMapRef?.name)),
    ...envFrom.map(({ secretRef }) => read("secret", secretRef?.name)),
    ...env.map(({ valueFrom }) => read("configMap", valueFrom?.configMapKeyRef?.name)),
    ...env.map(({ valueFrom }) => read("secret", valueFrom?.secretKeyRef?.name)),
  ]);
  return { configMap: (name) => configMaps.get(name), secret: (name) => secrets.get(name) };
}

async function started(run: StepRun, step: Start, spec: ContainerSpec, id: string): Promise<void> {
  const { deps, state } = run;
  const { runtime, events } = deps;
  try {
    await runtime.startContainer(id);
    events.event(state.pod, "Normal", "Started", `Started container ${spec.name}`);
  } catch (error) {
    const message = reasonOf(error);
    events.event(state.pod, "Warning", "Failed", `Error: ${message}`);
    state.putContainer(await observeContainer(runtime, id, step.sandboxId));
    state.holds.set(spec.name, { wait: { reason: "RunContainerError", message }, untilMs: deps.clock.now() + 1000 });
    return;
  }
  state.putContainer(await observeContainer(runtime, id, step.sandboxId));
  await linkLog(run, spec.name, id).catch((error: unknown) => deps.onError(`link the log of ${spec.name}`, error));
  const hook = spec.lifecycle?.postStart;
  if (!hook) return;
  run.changed();
  const failure = await runHook(run, spec, id, hook);
  if (failure === undefined) return;
  events.event(state.pod, "Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`);
  await runtime.stopContainer(id, 2);
  state.putContainer(await observeContainer(runtime, id, step.sandboxId));
}

/** Collectors of logs know containers by these links (kuberuntime, legacyLogSymlink). */
async function linkLog({ deps, state }: StepRun, container: string, id: string): Promise<void> {
  const { folders } = deps.settings;
  const { logPath } = state.observed.containers.find((one) => one.id === id)!;
  await mkdir(containerLogsFolder(folders), { recursive: true });
  await symlink(path.normalize(logPath), containerLogLink(folders, state.pod, container, id));
}
