/** `fairlead up`, step by step. Each finds what is there already: after a crash it goes on, and twice changes nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../api/client.ts";
import { HttpClient } from "../api/http/http_client.ts";
import { resourceTypes } from "../api/resource_types.ts";
import { FairleadError } from "../errors/catalogue.ts";
import { applyAll } from "./apply.ts";
import { checkMachine } from "./checks.ts";
import type { UpContext } from "./context.ts";
import { adminEntry, writeNodeKubeconfig } from "./credentials.ts";
import { isThere } from "../files/whole.ts";
import { partFiles, partNames } from "./instance.ts";
import { mergeIntoFile } from "./kubeconfig/file.ts";
import { bringUpAgent } from "./node_ready.ts";
import { answers, awaitPart, startPart } from "./parts.ts";
import { forgetLastBoot, prepareInstance } from "./prepare.ts";
import { runningPid } from "./processes.ts";
import { renderDns, renderNodeRights } from "./render.ts";
import { bringUpRuntime } from "./runtime.ts";
import { writeSettings } from "./settings.ts";

/** A machine with much else to do is slow, not broken, in ms. */
const serverMs = 60_000;

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
  const { instance, settings } = context;
  await forgetLastBoot(instance);
  const isRunning = partNames.some((part) => runningPid(partFiles(instance, part).pid) !== undefined);
  await checkMachine(instance, settings, isRunning);
  await prepareInstance(context);
  await writeNodeKubeconfig(instance, settings);
}

async function bringUpServer(context: UpContext): Promise<HttpClient> {
  const { instance, settings } = context;
  startPart(context, "server");
  const listens = (): Promise<boolean> => answers({ host: "127.0.0.1", port: settings.securePort });
  await awaitPart(instance, "server", listens, serverMs);
  await awaitPart(instance, "server", () => isThere(instance.adminKubeconfig), serverMs);
  const client = new HttpClient({ kubeconfig: instance.adminKubeconfig, userAgent: "fairlead-up", timeoutMs: 10_000 });
  const serves = async (): Promise<boolean> =>
    (await client.get(resourceTypes.namespaces, { name: "default" })) !== null;
  await awaitPart(instance, "server", serves, serverMs);
  return client;
}

async function mergeKubeconfig({ instance, settings }: UpContext, file: string): Promise<void> {
  const before = await mergeIntoFile(file, await adminEntry(instance, settings));
  if (before !== undefined) await writeSettings(instance, { ...settings, contextBefore: before });
}

async function bringUpNode(context: UpContext, client: Client): Promise<void> {
  await applyAll(client, [...renderNodeRights(), ...renderDns(context.settings)]);
  await bringUpAgent(context, () => client);
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
