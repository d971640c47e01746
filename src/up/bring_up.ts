/** `fairlead up`, step by step. Each finds what is there already: after a crash it goes on, and twice changes nothing. */
import { access, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../api/client.ts";
import { HttpClient } from "../api/http/http_client.ts";
import { resourceTypes, type ResourceType } from "../api/resource_types.ts";
import { FairleadError } from "../errors/catalogue.ts";
import type { KubeObject, Node } from "../model/kubernetes.ts";
import { checkMachine } from "./checks.ts";
import { hasAppArmor, mayLowerOomScore } from "./containerd/facts.ts";
import { renderContainerd } from "./containerd/render.ts";
import type { UpContext } from "./context.ts";
import { adminEntry, writeNodeKubeconfig } from "./credentials.ts";
import { writeWhole } from "./files.ts";
import { importOwnImages, pauseImage } from "./images/own.ts";
import { partFiles, partNames, type Instance } from "./instance.ts";
import { mergeIntoFile } from "./kubeconfig/file.ts";
import { answers, awaitPart, containerdAnswers, startPart } from "./parts.ts";
import { runningPid } from "./processes.ts";
import { renderDns, renderNodeConfig, renderNodeRights } from "./render.ts";
import { runtimeEndpointOf, writeSettings } from "./settings.ts";

/** Bounds of waiting, in ms: a machine with much else to do is slow, not broken. */
const containerdMs = 30_000;
const serverMs = 60_000;
const nodeMs = 90_000;

/** Everything runs and the node is ready when it resolves. @returns the administrator's client */
export async function bringUp(context: UpContext): Promise<HttpClient> {
  const { settings, progress } = context;
  await progress.step(
    "machine",
    () => prepare(context),
    () => `${settings.nodeName}, ${settings.nodeIp}`,
  );
  const runtime = bringUpRuntime(context);
  // Waited for below; a failure of both is told once.
  runtime.catch(() => undefined);
  const client = await progress.step(
    "control plane",
    () => bringUpServer(context),
    ({ server }) => server,
  );
  if (settings.kubeconfig !== undefined) {
    const file = settings.kubeconfig;
    await progress.step(
      "kubeconfig",
      () => mergeKubeconfig(context, file),
      () => `${file}, context ${settings.context}`,
    );
  }
  await runtime;
  await progress.step(
    "node",
    () => bringUpNode(context, client),
    () => `${settings.nodeName} is Ready`,
  );
  await progress.step(
    "storage class",
    () => storageClass(client),
    (name) => `${name}, the default`,
  );
  return client;
}

async function prepare(context: UpContext): Promise<void> {
  const { instance, settings, programs } = context;
  await forgetLastBoot(instance);
  const isRunning = partNames.some((part) => runningPid(partFiles(instance, part).pid) !== undefined);
  await checkMachine(instance, settings, isRunning);
  for (const folder of [instance.dataDir, instance.podLogDir, instance.cni.confDir, instance.cni.binDir]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  // Before anything runs: `down` has to know what to take away.
  await writeSettings(instance, settings);
  for (const plugin of ["fairlead-cni", "loopback"])
    await putPlugin(path.join(programs.cni, plugin), instance.cni.binDir);
  await writeNodeKubeconfig(instance, settings);
  await writeWhole(instance.node.config, renderNodeConfig(instance, settings), 0o600);
}

/** Process numbers and the runtime's state are of one boot; /run is not a file system in memory everywhere. */
async function forgetLastBoot({ runDir }: Instance): Promise<void> {
  const file = path.join(runDir, "boot-id");
  const [now, then] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8"),
    readFile(file, "utf8").catch(() => undefined),
  ]);
  if (then === now) return;
  if (then !== undefined) await rm(runDir, { recursive: true, force: true });
  await mkdir(runDir, { recursive: true, mode: 0o755 });
  await writeFile(file, now);
}

async function putPlugin(from: string, binDir: string): Promise<void> {
  const to = path.join(binDir, path.basename(from));
  await copyFile(from, `${to}.new`);
  // A runtime may be running the one that is there.
  await rename(`${to}.new`, to);
}

async function bringUpRuntime(context: UpContext): Promise<void> {
  const { instance, settings, progress, programs } = context;
  const endpoint = runtimeEndpointOf(instance, settings);
  if (settings.runtimeEndpoint === undefined) {
    await progress.step("containerd", () => bringUpContainerd(context));
  }
  await progress.step(
    "images",
    () => importOwnImages(instance, { endpoint }, programs.images),
    (count) => (count === 0 ? "all there" : `${count} imported`),
  );
}

async function bringUpContainerd(context: UpContext): Promise<void> {
  const { instance } = context;
  const facts = {
    mayLowerOomScore: await mayLowerOomScore(),
    hasAppArmor: await hasAppArmor(),
    sandboxImage: pauseImage,
  };
  await writeWhole(instance.containerd.config, renderContainerd(instance, facts), 0o600);
  startPart(context, "containerd");
  await awaitPart(instance, "containerd", () => containerdAnswers(instance), containerdMs);
}

async function bringUpServer(context: UpContext): Promise<HttpClient> {
  const { instance, settings } = context;
  startPart(context, "server");
  const isThere = (): Promise<boolean> => answers({ host: "127.0.0.1", port: settings.securePort });
  await awaitPart(instance, "server", isThere, serverMs);
  await awaitPart(instance, "server", () => exists(instance.adminKubeconfig), serverMs);
  const client = new HttpClient({ kubeconfig: instance.adminKubeconfig, userAgent: "fairlead-up", timeoutMs: 10_000 });
  const serves = async (): Promise<boolean> =>
    (await client.get(resourceTypes.namespaces, { name: "default" })) !== null;
  await awaitPart(instance, "server", serves, serverMs);
  return client;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function mergeKubeconfig({ instance, settings }: UpContext, file: string): Promise<void> {
  const before = await mergeIntoFile(file, await adminEntry(instance, settings));
  if (before !== undefined) await writeSettings(instance, { ...settings, contextBefore: before });
}

async function bringUpNode(context: UpContext, client: Client): Promise<void> {
  const { instance, settings } = context;
  await applyAll(client, [...renderNodeRights(), ...renderDns(settings)]);
  const since = Math.floor(Date.now() / 1000) * 1000;
  const isNew = startPart(context, "node");
  const isReady = async (): Promise<boolean> => {
    const ready = readyCondition(await client.get(resourceTypes.nodes, { name: settings.nodeName }));
    // What an agent that is gone has said does not count.
    return ready?.status === "True" && (!isNew || Date.parse(ready.lastHeartbeatTime ?? "") >= since);
  };
  await awaitPart(instance, "node", isReady, nodeMs);
}

export function readyCondition({ status }: Node) {
  return status?.conditions?.find(({ type }) => type === "Ready");
}

async function storageClass(client: Client): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const { items } = await client.list(resourceTypes.storageClasses);
    const isDefault = "storageclass.kubernetes.io/is-default-class";
    const found = items.find(({ metadata }) => metadata.annotations?.[isDefault] === "true");
    if (found) return found.metadata.name;
    await sleep(50);
  }
  throw new FairleadError("UP_PART", { subject: "the default StorageClass", reason: "none is there after 5 s" });
}

/** Server-side apply: what is there already stays as it is. */
export async function applyAll(client: Client, objects: readonly object[]): Promise<void> {
  for (const object of objects as readonly KubeObject[]) {
    const type = Object.values(resourceTypes).find((one) => one.kind === object.kind) as ResourceType<KubeObject>;
    const { name, namespace } = object.metadata;
    const key = { name, ...(namespace === undefined ? {} : { namespace }) };
    await client.patch(type, key, { type: "apply", body: object, force: true }, { fieldManager: "fairlead-up" });
  }
}
