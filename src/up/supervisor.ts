/** Keeps the parts of a cluster running, and their logs within bounds, until it is told to stop. */
import { copyFile, stat, truncate } from "node:fs/promises";
import type { UpContext } from "./context.ts";
import { partFiles, partNames, type PartName } from "./instance.ts";
import { lastWords, startPart } from "./parts.ts";
import { runningPid } from "./processes.ts";

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

/** @returns how to stop it: the parts go on */
export function supervise(context: UpContext): () => void {
  const { settings } = context;
  const parts = partNames.filter((part) => part !== "containerd" || settings.runtimeEndpoint === undefined);
  const troubles = new Map<PartName, Trouble>();
  let isLooking = false;
  const look = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void lookAt(context, parts, troubles).finally(() => (isLooking = false));
  }, lookMs);
  const logs = setInterval(() => void boundLogs(context), logLookMs);
  return () => {
    clearInterval(look);
    clearInterval(logs);
  };
}

async function lookAt(context: UpContext, parts: readonly PartName[], troubles: Map<PartName, Trouble>): Promise<void> {
  const now = performance.now();
  for (const part of parts) {
    const { pid, log } = partFiles(context.instance, part);
    const trouble = troubles.get(part);
    if (runningPid(pid) !== undefined) {
      if (trouble && now - trouble.restartAtMs > calmMs) troubles.delete(part);
    } else if (!trouble?.isWaiting) {
      const waitMs = trouble ? Math.min(2 * trouble.waitMs, maxWaitMs) : firstWaitMs;
      troubles.set(part, { waitMs, restartAtMs: now + waitMs, isWaiting: true });
      const words = await lastWords(log);
      context.progress.say(`${part} ended; it is started again in ${waitMs / 1000} s (its last words: ${words})`);
    } else if (now >= trouble.restartAtMs) {
      troubles.set(part, { ...trouble, isWaiting: false });
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
