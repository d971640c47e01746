/** Keeps the parts of a cluster running, and their logs within bounds, until it is told to stop, or nothing is to be done. */
import { copyFile, stat, truncate } from "node:fs/promises";
import type { UpContext } from "./context.ts";
import { isThere } from "../files/whole.ts";
import { partFiles, partNames, stoppedFile } from "./instance.ts";
import { existingNodes } from "./nodes/further.ts";
import { mostLogBytes, takeNotes } from "./notes.ts";
import { lastWords, startPart } from "./parts.ts";
import { runningPid } from "./processes.ts";
import { partsOf } from "./settings.ts";

const lookMs = 500;
const firstWaitMs = 1000;
const maxWaitMs = 30_000;
/** So long without trouble, and what was is forgotten. */
const calmMs = 60_000;
const looksPerLog = 60;

interface Trouble {
  readonly instanceName: string;
  readonly waitMs: number;
  readonly restartAtMs: number;
  readonly isWaiting: boolean;
}

export interface Supervision {
  /** When a look has found everything well, and no trouble is remembered: what has to stay so (`notes.ts`). */
  readonly calm: Promise<string>;
  /** The parts go on. */
  readonly stop: () => void;
}

/** Of this instance and of the machine's further nodes, whoever started those. */
export function supervise(context: UpContext): Supervision {
  const troubles = new Map<string, Trouble>();
  const each = async (work: (one: UpContext) => Promise<void>): Promise<void> => {
    const further = (await existingNodes(context)).map((node) => node.context);
    await Promise.all([context, ...further].map((one) => work(one)));
  };
  let looks = 0;
  let isLooking = false;
  let onCalm = (_notes: string): void => undefined;
  const calm = new Promise<string>((resolve) => (onCalm = resolve));
  const look = async (): Promise<void> => {
    const notes = await takeNotes(context);
    const lookedAfter = new Set<string>();
    await each(async (one) => {
      if (await lookAt(one, troubles)) lookedAfter.add(one.instance.name);
    });
    for (const [key, { instanceName }] of troubles) if (!lookedAfter.has(instanceName)) troubles.delete(key);
    if (looks++ % looksPerLog === 0) await each(boundLogs);
    if (troubles.size === 0) onCalm(notes);
  };
  const tick = (): void => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => (isLooking = false));
  };
  const timer = setInterval(tick, lookMs);
  tick();
  return { calm, stop: () => clearInterval(timer) };
}

/** @returns whether the instance is to run */
async function lookAt(context: UpContext, troubles: Map<string, Trouble>): Promise<boolean> {
  const { instance, settings } = context;
  const now = performance.now();
  // Stopped on purpose, or somebody is at it just now; or it was purged.
  if ((await isThere(stoppedFile(instance))) || !(await isThere(instance.settingsFile))) return false;
  for (const part of partsOf(settings)) {
    const { pid, log } = partFiles(instance, part);
    const key = `${instance.name} ${part}`;
    const trouble = troubles.get(key);
    if (runningPid(pid) !== undefined) {
      if (trouble && now - trouble.restartAtMs > calmMs) troubles.delete(key);
    } else if (!trouble?.isWaiting) {
      const waitMs = trouble ? Math.min(2 * trouble.waitMs, maxWaitMs) : firstWaitMs;
      troubles.set(key, { instanceName: instance.name, waitMs, restartAtMs: now + waitMs, isWaiting: true });
      const words = await lastWords(log);
      context.progress.say(`${part} ended; it is started again in ${waitMs / 1000} s (its last words: ${words})`);
    } else if (now >= trouble.restartAtMs) {
      troubles.set(key, { ...trouble, isWaiting: false });
      startPart(context, part);
    }
  }
  return true;
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
