/** What a container sees of the node's files: its volumes, /etc/hosts, and the file for its last words. */
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import path from "node:path";
import type { Pod } from "../../../model/kubernetes.ts";
import { mountSubPath, type SubPath } from "../../volumes/sub_path.ts";
import type { Mount } from "../../cri/messages.ts";
import type { ContainerSpec } from "../containers.ts";
import type { PodDeps } from "../deps.ts";
import { podFolder, type Folders } from "../names.ts";
import { expand } from "../render/expansion.ts";
import { hostNetworkHostsFile, hostsFile } from "../render/hosts.ts";
import { nodeFacts, type StepRun } from "./run.ts";

type VolumeMount = NonNullable<ContainerSpec["volumeMounts"]>[number];

const propagations = {
  None: "PROPAGATION_PRIVATE",
  HostToContainer: "PROPAGATION_HOST_TO_CONTAINER",
  Bidirectional: "PROPAGATION_BIDIRECTIONAL",
} as const;

/** @throws Error with upstream's words */
export async function mountsOf(
  run: StepRun,
  spec: ContainerSpec,
  environment: ReadonlyMap<string, string>,
): Promise<readonly Mount[]> {
  const own = await Promise.all(
    (spec.volumeMounts ?? []).map((mount, i) => mountOf(run, spec.name, i, mount, environment)),
  );
  const hasHosts = own.some(({ containerPath }) => containerPath === "/etc/hosts");
  return hasHosts ? own : [...own, await hostsMount(run)];
}

async function mountOf(
  { deps, state }: StepRun,
  container: string,
  index: number,
  mount: VolumeMount,
  environment: ReadonlyMap<string, string>,
): Promise<Mount> {
  const { name, mountPath, readOnly, subPath, subPathExpr, mountPropagation = "None" } = mount;
  if (mount.recursiveReadOnly === "Enabled")
    throw new Error(`volume "${name}" requested recursive read-only mode, but it is not supported by the runtime`);
  const volume = state.volumes?.get(name);
  if (volume === undefined) throw new Error(`cannot find volume "${name}" to mount into container`);
  const below = subPathExpr === undefined ? subPath : expanded(subPathExpr, environment);
  const target = subPathTarget(deps.settings.folders, state.pod, { name, container, index });
  if (below) await mountPart(deps, container, name, { volume: volume.path, below, target });
  return {
    containerPath: path.isAbsolute(mountPath) ? mountPath : `/${mountPath}`,
    hostPath: below ? target : volume.path,
    readonly: readOnly === true || volume.isReadOnly,
    propagation: propagations[mountPropagation as keyof typeof propagations] ?? propagations.None,
  };
}

/** What it failed by is the node's matter: it may name what is the node's (upstream says as little). */
async function mountPart(deps: PodDeps, container: string, volume: string, part: SubPath): Promise<void> {
  try {
    await mountSubPath(part, deps.runProgram);
  } catch (cause) {
    deps.onError(`mount subPath "${part.below}" of volume ${volume}`, cause);
    const message = `failed to prepare subPath for volumeMount "${volume}" of container "${container}"`;
    throw new Error(message, { cause });
  }
}

/** Below the pod's folder, whose mounts end with it (pkg/volume/util/subpath). */
function subPathTarget(
  folders: Folders,
  { metadata }: Pod,
  { name, container, index }: { readonly name: string; readonly container: string; readonly index: number },
): string {
  return path.join(podFolder(folders, metadata.uid), "volume-subpaths", name, container, String(index));
}

function expanded(text: string, environment: ReadonlyMap<string, string>): string {
  return expand(text, (name) => {
    const value = environment.get(name);
    if (value === undefined) throw new Error(`failed to expand subPath: "${name}" is not set`);
    return value;
  });
}

async function hostsMount(run: StepRun): Promise<Mount> {
  const { deps, state } = run;
  const { pod } = state;
  const { podIps } = nodeFacts(run);
  const text = pod.spec.hostNetwork
    ? hostNetworkHostsFile(pod, await readFile("/etc/hosts", "utf8").catch(() => ""))
    : hostsFile(pod, podIps, deps.settings.dns.clusterDomain);
  const file = path.join(podFolder(deps.settings.folders, pod.metadata.uid), "etc-hosts");
  await writeBelow(file, text);
  return { containerPath: "/etc/hosts", hostPath: file };
}

/** Its folder is there but for pods of which something was removed: one call less, where a container waits for it. */
async function writeBelow(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { mode: 0o644 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text, { mode: 0o644 });
  }
}

/** Any user of the container may write to it. */
export async function newMessageFile({ deps, state }: StepRun, container: string): Promise<string> {
  const folder = path.join(podFolder(deps.settings.folders, state.pod.metadata.uid), "containers", container);
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, randomBytes(4).toString("hex"));
  const handle = await open(file, "w", 0o666);
  await handle.chmod(0o666);
  await handle.close();
  return file;
}
