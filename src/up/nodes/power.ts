/** A further node that loses its power, and gets it back: to see what a cluster does then. */
import { rm } from "node:fs/promises";
import { unmountBelow } from "../../kubelet/volumes/mounts.ts";
import { partFiles } from "../instance.ts";
import { endProcess } from "../processes.ts";
import { removeRemains } from "../remains.ts";
import { partsOf } from "../settings.ts";
import { leaveAlone, type FurtherNode } from "./further.ts";
import type { Underlay } from "./underlay.ts";

/**
 * At once: nobody is asked to end, and the network is gone first, so that no connection is closed politely. What a reboot
 * would forget is forgotten; disks stay.
 */
export async function powerOff({ context, place }: FurtherNode, underlay: Underlay): Promise<void> {
  const { instance, settings } = context;
  await leaveAlone(context);
  await underlay.removeNode(place);
  await Promise.all(partsOf(settings).map((part) => endProcess(partFiles(instance, part).pid, 0)));
  await removeRemains(instance);
  for (const folder of [instance.runDir, instance.dataDir]) await unmountBelow(folder);
  await rm(instance.runDir, { recursive: true, force: true });
}
