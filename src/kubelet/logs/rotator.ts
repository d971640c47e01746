/** Bounds what a container's log takes: a file that is full makes room for a new one, and the older are packed. */
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Clock } from "../../reconcile/clock.ts";
import { Periodic } from "../../reconcile/periodic.ts";
import type { RuntimeService } from "../cri/runtime.ts";
import { planRotation, rotatedName } from "./plan.ts";

export interface ContainerLog {
  readonly id: string;
  readonly logPath: string;
}

export interface RotatorOptions {
  readonly runtime: Pick<RuntimeService, "reopenContainerLog">;
  /** Of containers that run: others write no more. */
  readonly logs: () => readonly ContainerLog[];
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** At one time. */
  readonly workers: number;
  readonly periodMs: number;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
}

export class LogRotator {
  readonly #options: RotatorOptions;
  readonly #loop: Periodic;

  constructor(options: RotatorOptions) {
    this.#options = options;
    this.#loop = new Periodic(options.clock, async () => {
      await this.turn();
      return options.periodMs;
    });
  }

  start(): void {
    void this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  /** Looks at each log once. */
  async turn(): Promise<void> {
    const waiting = [...this.#options.logs()];
    const worker = async (): Promise<void> => {
      for (let log = waiting.shift(); log && !this.#loop.isStopped; log = waiting.shift()) {
        await this.#look(log).catch((error: unknown) => this.#options.onError("rotate a container's log", error));
      }
    };
    await Promise.all(Array.from({ length: this.#options.workers }, worker));
  }

  async #look({ id, logPath }: ContainerLog): Promise<void> {
    const found = await stat(logPath).catch(() => undefined);
    // A rotation before this one did not come to its end.
    if (!found) return this.#options.runtime.reopenContainerLog(id);
    if (found.size < this.#options.maxBytes) return;
    await this.#rotate(id, logPath);
  }

  async #rotate(id: string, log: string): Promise<void> {
    const { runtime, clock, maxFiles } = this.#options;
    const plan = planRotation(await rotatedOf(log), maxFiles);
    const folder = path.dirname(log);
    for (const name of plan.remove) await rm(path.join(folder, name), { force: true });
    for (const name of plan.compress) await compress(path.join(folder, name));
    const rotated = rotatedName(log, clock.now());
    await rename(log, rotated);
    try {
      await runtime.reopenContainerLog(id);
    } catch (error) {
      // The runtime writes on to what it has open: it gets its name back.
      await rename(rotated, log);
      throw error;
    }
  }
}

async function rotatedOf(log: string): Promise<readonly string[]> {
  const prefix = `${path.basename(log)}.`;
  return (await readdir(path.dirname(log))).filter((name) => name.startsWith(prefix));
}

/** Under another name until it is whole. */
async function compress(file: string): Promise<void> {
  const unfinished = `${file}.tmp`;
  const { mode } = await stat(file);
  await pipeline(createReadStream(file), createGzip(), createWriteStream(unfinished, { mode }));
  await rename(unfinished, `${file}.gz`);
  await rm(file);
}

/** A log with all that it was before: of a container that is removed. */
export async function removeLog(log: string): Promise<void> {
  const others = await rotatedOf(log).catch(() => []);
  for (const name of others) await rm(path.join(path.dirname(log), name), { force: true });
  await rm(log, { force: true });
}
