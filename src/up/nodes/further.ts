/** `up --nodes N`: further nodes of this machine, each an instance of its own in a network namespace, which joins as any other. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isNotFound } from "../../api/status_error.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { UpContext } from "../context.ts";
import { isThere } from "../../files/whole.ts";
import { furtherInstance, stoppedFile } from "../instance.ts";
import { invite } from "../join/invite.ts";
import { joinCluster } from "../join/join.ts";
import { authorityFile } from "../render.ts";
import { readSettings, type UpSettings } from "../settings.ts";
import { takeDown } from "../take_down.ts";
import { addressOf } from "./render.ts";
import type { NodePlace, Underlay } from "./underlay.ts";

/** A token for nodes that join at once, in ms. */
const tokenMs = 10 * 60_000;

export interface FurtherNode {
  readonly place: NodePlace;
  readonly context: UpContext;
}

/** As the settings want them, the second first. */
export function furtherNodes(context: UpContext): readonly FurtherNode[] {
  const count = context.settings.nodes ?? 1;
  return Array.from({ length: Math.max(0, count - 1) }, (_, i) => furtherNode(context, i + 2));
}

function furtherNode({ instance, settings, progress, ...rest }: UpContext, number: number): FurtherNode {
  const { nodeName, nodeNetwork, securePort, clusterCidr, serviceCidr } = settings;
  const netns = `${instance.name}-${number}`;
  const own: UpSettings = {
    nodeName: `${nodeName}-${number}`,
    nodeIp: addressOf(nodeNetwork, number),
    // The machine's address among the nodes: it stays when the machine's others change.
    server: `https://${addressOf(nodeNetwork, 1)}:${securePort}`,
    ...{ securePort, clusterCidr, serviceCidr, nodeNetwork, netns },
    localPathFolder: instance.localPathDir,
    context: settings.context,
  };
  const within = progress.within(own.nodeName);
  return {
    place: { number, netns },
    context: { ...rest, instance: furtherInstance(instance, number), settings: own, progress: within },
  };
}

/** Every node that there is a folder of, whatever the settings say now. */
export async function existingNodes(context: UpContext): Promise<readonly FurtherNode[]> {
  const folder = path.join(context.instance.dataDir, "nodes");
  const names = await readdir(folder).catch(() => []);
  const numbers = names.map(Number).filter((number) => Number.isInteger(number) && number > 1);
  return numbers.sort((a, b) => a - b).map((number) => furtherNode(context, number));
}

/** @throws FairleadError DATA_DIR */
export async function nodeNamed(context: UpContext, name: string): Promise<FurtherNode> {
  const found = (await existingNodes(context)).find((node) => node.context.settings.nodeName === name);
  if (found) return found;
  const reason = "it is no further node of 'fairlead up --nodes' here";
  throw new FairleadError("DATA_DIR", { subject: `of node ${name}`, reason });
}

/** @returns the nodes, all of them ready */
export async function bringUpFurther(context: UpContext, client: Client): Promise<void> {
  const nodes = furtherNodes(context);
  await removeSurplus(context, client, nodes.length + 1);
  if (nodes.length === 0) return;
  const { progress, settings } = context;
  await withUnderlay(context, async (underlay) => {
    await underlay.ensureBridge(settings.nodeNetwork);
    const invitation = await inviteAll(context, client, nodes);
    await Promise.all(
      nodes.map((node) =>
        progress.step(
          `node ${node.context.settings.nodeName}`,
          () => startNode(node, underlay, { client, ...invitation }),
          () => `Ready, in network namespace ${node.place.netns}`,
        ),
      ),
    );
  });
}

/** From nothing, after a reboot, or after a stop. */
export async function startNode(
  { place, context }: FurtherNode,
  underlay: Underlay,
  options: Parameters<typeof joinCluster>[1],
): Promise<void> {
  await leaveAlone(context);
  await underlay.ensureNode(context.settings.nodeNetwork, place);
  await joinCluster(context, options);
  await rm(stoppedFile(context.instance), { force: true });
}

/** Whoever watches the parts is not to start them meanwhile. */
export async function leaveAlone({ instance }: UpContext): Promise<void> {
  await mkdir(instance.dataDir, { recursive: true, mode: 0o700 });
  await writeFile(stoppedFile(instance), "");
}

async function inviteAll(context: UpContext, client: Client, nodes: readonly FurtherNode[]) {
  const { instance, settings } = context;
  const isMember = await Promise.all(nodes.map((node) => isThere(node.context.instance.node.certificate)));
  if (isMember.every(Boolean)) return {};
  const { clusterCidr, serviceCidr } = settings;
  const server = nodes[0]!.context.settings.server!;
  const authority = await readFile(authorityFile(instance), "utf8");
  const facts = { server, authority, clusterCidr, serviceCidr, localPathFolder: instance.localPathDir };
  return { invitation: await invite(client, facts, { ttlMs: tokenMs, description: "nodes of 'fairlead up --nodes'" }) };
}

/** Nodes beyond what is wanted now go for good, with their objects. */
async function removeSurplus(context: UpContext, client: Client, wanted: number): Promise<void> {
  const surplus = (await existingNodes(context)).filter(({ place }) => place.number > wanted);
  if (surplus.length === 0) return;
  for (const { context: gone } of surplus) await leaveAlone(gone);
  await takeDownNodes(context, surplus, true);
  for (const { context: gone } of surplus) {
    await client.delete(resourceTypes.nodes, { name: gone.settings.nodeName }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}

/** All further nodes, and what joined them with this one. */
export async function takeDownFurther(context: UpContext, purge: boolean): Promise<void> {
  const nodes = await existingNodes(context);
  if (nodes.length === 0) return;
  await takeDownNodes(context, nodes, purge);
  await withUnderlay(context, (underlay) => underlay.removeBridge());
}

async function takeDownNodes(context: UpContext, nodes: readonly FurtherNode[], purge: boolean): Promise<void> {
  await withUnderlay(context, async (underlay) => {
    const one = async (node: FurtherNode): Promise<void> => {
      const settings = await readSettings(node.context.instance);
      if (settings) await takeDown({ ...node.context, settings }, { purge });
      await underlay.removeNode(node.place);
    };
    await Promise.all(
      nodes.map((node) => context.progress.step(`node ${node.context.settings.nodeName}`, () => one(node))),
    );
  });
}

export async function withUnderlay<T>(context: UpContext, work: (underlay: Underlay) => Promise<T>): Promise<T> {
  const underlay = await context.openUnderlay();
  try {
    return await work(underlay);
  } finally {
    underlay.close();
  }
}
