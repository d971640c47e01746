/** Keeps the parts of a cluster running, and their logs within bounds, until it is told to stop. */
import { copyFile, stat, truncate } from "node:fs/promises";
import type { UpContext } from "./context.ts";
import { isThere } from "../files/whole.ts";
import { partFiles, partNames, stoppedFile } from "./instance.ts";
import { existingNodes } from "./nodes/further.ts";
import { lastWords, startPart } from "./parts.ts";
import { runningPid } from "./processes.ts";
import { partsOf } from "./settings.ts";

const lookMs = 500;
const firstWaitMs = 1000;
const maxWaitMs = 30_000;
/** So long without trouble, and what was is forgotten. */
const calmMs = 60_000;
const logLookMs = 30_000;
const mostLogBytes = 20 << 20;

interface Trouble {
  readonly waitMs: number;
  readonly restartAtMs: number;
  readonly isWaiting: boolean;
}

/** Of this instance and of the machine's further nodes, whoever started those. @returns how to stop it: the parts go on */
export function supervise(context: UpContext): () => void {
  const troubles = new Map<string, Trouble>();
  const each = async (work: (one: UpContext) => Promise<void>): Promise<void> => {
    const further = (await existingNodes(context)).map((node) => node.context);
    await Promise.all([context, ...further].map((one) => work(one)));
  };
  let isLooking = false;
  const look = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void each((one) => lookAt(one, troubles)).finally(() => (isLooking = false));
  }, lookMs);
  const logs = setInterval(() => void each(boundLogs), logLookMs);
  return () => {
    clearInterval(look);
    clearInterval(logs);
  };
}

async function lookAt(context: UpContext, troubles: Map<string, Trouble>): Promise<void> {
  const { instance, settings } = context;
  const now = performance.now();
  // Stopped on purpose, or somebody is at it just now; or it was purged.
  if ((await isThere(stoppedFile(instance))) || !(await isThere(instance.settingsFile))) return;
  for (const part of partsOf(settings)) {
    const { pid, log } = partFiles(instance, part);
    const key = `${instance.name} ${part}`;
    const trouble = troubles.get(key);
    if (runningPid(pid) !== undefined) {
      if (trouble && now - trouble.restartAtMs > calmMs) troubles.delete(key);
    } else if (!trouble?.isWaiting) {
      const waitMs = trouble ? Math.min(2 * trouble.waitMs, maxWaitMs) : firstWaitMs;
      troubles.set(key, { waitMs, restartAtMs: now + waitMs, isWaiting: true });
      const words = await lastWords(log);
      context.progress.say(`${part} ended; it is started again in ${waitMs / 1000} s (its last words: ${words})`);
    } else if (now >= trouble.restartAtMs) {
      troubles.set(key, { ...trouble, isWaiting: false });
      startPart(context, part);
    }
  }
}

/** What a part writes goes on in the same file: it is copied away and emptied, since the part appends. */
async function boundLogs({ instance }: UpContext): Promise<void> {
  for (const part of partNames) {
    const { log } = partFiles(instance, part);
    const size = await stat(log).then(
      (found) => found.size,
      () => 0,
    );
    if (size < mostLogBytes) continue;
    await copyFile(log, `${log}.1`).catch(() => undefined);
    await truncate(log).catch(() => undefined);
  }
}
