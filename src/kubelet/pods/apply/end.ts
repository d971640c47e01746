/** What a pod had on the node beside the runtime, and its API object: gone, in this order. */
import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { reasonOf } from "../../../errors/message.ts";
import { keyOf, type Client } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isConflict, isNotFound } from "../../../api/status_error.ts";
import { prepareVolumes as prepare, removeVolumes } from "../../volumes/pod_volumes.ts";
import { containerLogsFolder, podLogFolder } from "../names.ts";
import type { Pod } from "../../../model/kubernetes.ts";
import type { PodDeps } from "../deps.ts";
import { isRunning } from "../observed.ts";
import { listPod, observePod } from "../observe.ts";
import type { PodState } from "../pod_state.ts";
import { nodeFacts, type StepRun } from "./run.ts";

export async function prepareVolumes(run: StepRun): Promise<void> {
  const { deps, state, sources } = run;
  const before = state.volumes;
  const input = {
    pod: state.pod,
    folders: deps.settings.folders,
    sources,
    node: nodeFacts(run),
    run: deps.runProgram,
    before,
    onMounted: (plugin: string, seconds: number, isMounted: boolean) =>
      deps.metrics?.volumeMounted(plugin, seconds, isMounted),
  };
  // What changes from here on is not in what is read now.
  state.areVolumesStale = false;
  try {
    state.volumes = await prepare(input);
  } catch (error) {
    state.areVolumesStale = true;
    deps.events.event(state.pod, "Warning", "FailedMount", reasonOf(error));
    throw error;
  }
}

export async function cleanUp({ deps, state, sources }: StepRun): Promise<void> {
  const { pod } = state;
  if (await hasMore(deps, state)) return;
  sources.close();
  await removeVolumes(deps.settings.folders, pod.metadata.uid, deps.runProgram);
  state.volumes = undefined;
  await deps.cgroups.remove(pod.metadata.uid);
  state.isCleanedUp = true;
}

/**
 * Asks the runtime once more: a call that failed, or that an earlier kubelet made, may have made a sandbox all the same.
 * What is found is ended first; a runtime that does not answer is waited for.
 */
async function hasMore({ runtime }: PodDeps, state: PodState): Promise<boolean> {
  const listed = await listPod(runtime, state.pod.metadata.uid);
  const keepsDead = state.pod.metadata.deletionTimestamp === undefined && !state.isGone;
  const found = await observePod(runtime, listed, state.observed);
  const sandboxes = keepsDead ? found.sandboxes.filter(({ isReady }) => isReady) : found.sandboxes;
  if (sandboxes.length === 0 && !found.containers.some(isRunning)) return false;
  state.observed = found;
  return true;
}

/** The API object is the last to go: who sees it gone may take it that all else is. */
export async function release({ deps, state, reported }: StepRun): Promise<void> {
  const { pod } = state;
  await reported();
  await removeLogs(deps.settings.folders, pod);
  if (!state.isGone) await deleteObject(deps, pod);
  state.isReleased = true;
}

async function deleteObject({ client }: PodDeps, pod: Pod): Promise<void> {
  const preconditions = { uid: pod.metadata.uid };
  try {
    await client.delete(resourceTypes.pods, keyOf(pod), { gracePeriodSeconds: 0, preconditions });
  } catch (error) {
    if (isNotFound(error)) return;
    // Another pod may have the name by now; or somebody wrote at the same time, and the next try may come first.
    if (!isConflict(error) || (await isThere(client, pod))) throw error;
  }
}

async function isThere(client: Client, pod: Pod): Promise<boolean> {
  try {
    return (await client.get(resourceTypes.pods, keyOf(pod))).metadata.uid === pod.metadata.uid;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

type Folders = Parameters<typeof podLogFolder>[0];

async function removeLogs(folders: Folders, pod: Parameters<typeof podLogFolder>[1]): Promise<void> {
  await rm(podLogFolder(folders, pod), { recursive: true, force: true });
  const links = containerLogsFolder(folders);
  const prefix = `${pod.metadata.name}_${pod.metadata.namespace}_`;
  const names = await readdir(links).catch(() => []);
  await Promise.all(names.filter((name) => name.startsWith(prefix)).map((name) => removeDead(path.join(links, name))));
}

/** Another pod of the same name may have links of its own. */
async function removeDead(link: string): Promise<void> {
  if (!(await stat(link).catch(() => undefined))) await rm(link, { force: true });
}
