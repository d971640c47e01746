/** A node alone: it finds the cluster, gets its certificate there, and runs until it is ready. */
import { stringify } from "yaml";
import type { Client } from "../../api/client.ts";
import { HttpClient } from "../../api/http/http_client.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import { isThere, writeWhole } from "../../files/whole.ts";
import { checkMachine } from "../checks.ts";
import type { UpContext } from "../context.ts";
import { partFiles } from "../instance.ts";
import { bringUpAgent } from "../node_ready.ts";
import { forgetLastBoot, prepareInstance } from "../prepare.ts";
import { runningPid } from "../processes.ts";
import { authorityFile } from "../render.ts";
import { bringUpRuntime } from "../runtime.ts";
import { partsOf } from "../settings.ts";
import { discover } from "./discover.ts";
import type { Invitation } from "./invite.ts";
import { tokenText } from "./token.ts";
import { readNodeFacts } from "./tokens.ts";
import type { Discovered } from "./verify.ts";

/** A token that was made just now is signed for within a moment; a control plane may still be starting, in ms. */
const discoveryMs = 60_000;

export interface JoinOptions {
  /** Absent: it has joined before. */
  readonly invitation?: Invitation;
  /** Who may read the Node; default: the node itself, once it may. */
  readonly client?: Client;
}

/** @returns the context with what the cluster has said @throws FairleadError NODE_JOIN, UP_PART, UP_PREREQUISITE */
export async function joinCluster(context: UpContext, { invitation, client }: JoinOptions): Promise<UpContext> {
  const { progress, instance } = context;
  await progress.step("machine", () => prepare(context));
  const joined = await progress.step(
    "cluster",
    () => introduce(context, invitation),
    ({ settings }) => settings.server ?? "",
  );
  await prepareInstance(joined);
  await bringUpRuntime(joined);
  let own: HttpClient | undefined;
  try {
    const { kubeconfig } = instance.node;
    const reader = (): Client => client ?? (own ??= new HttpClient({ kubeconfig, userAgent: "fairlead-node-join" }));
    await progress.step(
      "node",
      () => bringUpAgent(joined, reader),
      () => `${joined.settings.nodeName} is Ready`,
    );
  } finally {
    own?.close();
  }
  return joined;
}

async function prepare({ instance, settings }: UpContext): Promise<void> {
  await forgetLastBoot(instance);
  const isRunning = partsOf(settings).some((part) => runningPid(partFiles(instance, part).pid) !== undefined);
  await checkMachine(instance, settings, isRunning);
}

/** Who has its certificate needs no token any more. */
async function introduce(context: UpContext, invitation: Invitation | undefined): Promise<UpContext> {
  const { instance, settings, ending } = context;
  if ((await isThere(instance.node.certificate)) && settings.server !== undefined) return context;
  if (invitation === undefined) {
    throw new FairleadError("NODE_JOIN", { subject: settings.server ?? "?", reason: "it needs a token: --token" });
  }
  const signal = ending === undefined ? {} : { signal: ending };
  const found = await discover({ ...invitation, timeoutMs: discoveryMs, ...signal });
  await writeWhole(instance.node.bootstrapKubeconfig, bootstrapKubeconfig(found, invitation), 0o600);
  await writeWhole(authorityFile(instance), found.authority, 0o644);
  const facts = await factsOf(instance.node.bootstrapKubeconfig, found);
  return { ...context, settings: { ...settings, ...facts, server: found.server } };
}

function bootstrapKubeconfig({ server, authority }: Discovered, { token }: Invitation): string {
  const cluster = { server, "certificate-authority-data": Buffer.from(authority).toString("base64") };
  const [name, user] = ["fairlead", "bootstrap"];
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name: user, user: { token: tokenText(token) } }],
    contexts: [{ name, context: { cluster: name, user } }],
    "current-context": name,
  });
}

async function factsOf(kubeconfig: string, { server }: Discovered) {
  const client = new HttpClient({ kubeconfig, userAgent: "fairlead-node-join", timeoutMs: 20_000 });
  try {
    const { clusterCidr, serviceCidr, localPathFolder } = await readNodeFacts(client);
    if (clusterCidr === undefined || serviceCidr === undefined)
      throw new Error("its ConfigMap fairlead-node lacks ranges");
    return { clusterCidr, serviceCidr, ...(localPathFolder === undefined ? {} : { localPathFolder }) };
  } catch (cause) {
    throw new FairleadError("NODE_JOIN", { subject: server, cause });
  } finally {
    client.close();
  }
}
