/** Whether a node that was started, or found, is ready. */
import type { Client } from "../api/client.ts";
import { resourceTypes } from "../api/resource_types.ts";
import type { Node } from "../model/kubernetes.ts";
import type { UpContext } from "./context.ts";
import { awaitPart, startPart } from "./parts.ts";

/** A machine with much else to do is slow, not broken, in ms. */
const nodeMs = 90_000;

export function readyCondition({ status }: Node) {
  return status?.conditions?.find(({ type }) => type === "Ready");
}

/** Starts the agent where it does not run, and waits. @param client may read Nodes, as soon as it can */
export async function bringUpAgent(context: UpContext, client: () => Client): Promise<void> {
  const { instance, settings } = context;
  const since = Math.floor(Date.now() / 1000) * 1000;
  const isNew = startPart(context, "node");
  const isReady = async (): Promise<boolean> => {
    const ready = readyCondition(await client().get(resourceTypes.nodes, { name: settings.nodeName }));
    // What an agent that is gone has said does not count.
    return ready?.status === "True" && (!isNew || Date.parse(ready.lastHeartbeatTime ?? "") >= since);
  };
  await awaitPart(instance, "node", isReady, nodeMs);
}
