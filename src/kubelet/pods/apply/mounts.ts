/** What a container sees of the node's files: its volumes, /etc/hosts, and the file for its last words. */
import { mkdir, open, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import path from "node:path";
import type { Mount } from "../../cri/messages.ts";
import type { ContainerSpec } from "../containers.ts";
import { podFolder } from "../names.ts";
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
  const own = await Promise.all((spec.volumeMounts ?? []).map((mount) => mountOf(run, mount, environment)));
  const hasHosts = own.some(({ containerPath }) => containerPath === "/etc/hosts");
  return hasHosts ? own : [...own, await hostsMount(run)];
}

async function mountOf(
  { state }: StepRun,
  mount: VolumeMount,
  environment: ReadonlyMap<string, string>,
): Promise<Mount> {
  const { name, mountPath, readOnly, subPath, subPathExpr, mountPropagation = "None" } = mount;
  const volume = state.volumes?.get(name);
  if (volume === undefined) throw new Error(`cannot find volume "${name}" to mount into container`);
  const below = subPathExpr === undefined ? subPath : expanded(subPathExpr, environment);
  return {
    containerPath: path.isAbsolute(mountPath) ? mountPath : `/${mountPath}`,
    hostPath: below ? await pathWithin(volume, below) : volume,
    readonly: readOnly === true,
    propagation: propagations[mountPropagation as keyof typeof propagations] ?? propagations.None,
  };
}

function expanded(text: string, environment: ReadonlyMap<string, string>): string {
  return expand(text, (name) => {
    const value = environment.get(name);
    if (value === undefined) throw new Error(`failed to expand subPath: "${name}" is not set`);
    return value;
  });
}

/** A path below a volume, made where it is not there. What a link leads out of the volume is refused. */
async function pathWithin(volume: string, below: string): Promise<string> {
  if (path.isAbsolute(below) || below.split("/").includes(".."))
    throw new Error(`subPath "${below}" must stay within the volume`);
  const base = await realpath(volume);
  let folder = base;
  const parts = below.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of parts) {
    const next = path.join(folder, part);
    if (!(await stat(next).catch(() => undefined))) await mkdir(next, { mode: 0o750 });
    folder = await realpath(next);
    if (folder !== base && !folder.startsWith(`${base}/`))
      throw new Error(`subPath "${below}" leads out of its volume`);
  }
  return folder;
}

async function hostsMount(run: StepRun): Promise<Mount> {
  const { deps, state } = run;
  const { pod } = state;
  const { podIps } = nodeFacts(run);
  const text = pod.spec.hostNetwork
    ? hostNetworkHostsFile(pod, await readFile("/etc/hosts", "utf8").catch(() => ""))
    : hostsFile(pod, podIps, deps.settings.dns.clusterDomain);
  const file = path.join(podFolder(deps.settings.folders, pod.metadata.uid), "etc-hosts");
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o644 });
  return { containerPath: "/etc/hosts", hostPath: file };
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
