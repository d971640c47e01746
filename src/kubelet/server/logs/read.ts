/**
 * A container's log as a stream of bytes (pkg/kubelet/kuberuntime/logs). Whoever reads it sets the pace: nothing is read
 * ahead, so that a client that stands still costs one buffer.
 */
import { open, realpath, stat, type FileHandle } from "node:fs/promises";
import { FileChanges } from "./changes.ts";
import { LogFormatter } from "./formatter.ts";
import type { LogOptions } from "./options.ts";
import { sinceStart, tailStart } from "./start.ts";

export interface LogSource {
  readonly file: string;
  readonly options: LogOptions;
  /** Whether more may be written. */
  readonly isRunning: () => boolean;
  readonly signal: AbortSignal;
}

const chunkBytes = 64 * 1024;
/** How often it is asked whether the container still runs, in ms; what it writes is heard of at once. */
const lookMs = 250;
/** A runtime that is told of the new file may write a last line into the old one, in ms. */
const settleMs = 100;

export class LogReader {
  readonly #source: LogSource;
  readonly #formatter: LogFormatter;
  readonly #file: string;
  readonly #buffer = Buffer.alloc(chunkBytes);
  readonly #changes: FileChanges | undefined;
  #handle: FileHandle;
  /** The file that takes the place of this one, while the last of this one is read. */
  #next: FileHandle | undefined;
  #position: number;

  /** @throws Error in upstream's words where the log is not there */
  static async open(source: LogSource): Promise<LogReader> {
    const file = await realpath(source.file).catch((error: NodeJS.ErrnoException) => {
      throw new Error(
        `failed to try resolving symlinks in path "${source.file}": lstat ${source.file}: ${words(error)}`,
      );
    });
    const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
      throw new Error(`failed to open log file "${file}": open ${file}: ${words(error)}`);
    });
    try {
      return new LogReader(source, file, handle, await startOf(handle, source.options));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private constructor(source: LogSource, file: string, handle: FileHandle, position: number) {
    this.#source = source;
    this.#file = file;
    this.#handle = handle;
    this.#position = position;
    const { follow, tailLines } = source.options;
    const isLimited = !follow && tailLines !== undefined;
    this.#formatter = new LogFormatter({ ...source.options, ...(isLimited ? { maxLines: tailLines } : {}) });
    // Before the first read: what happens behind it is heard of.
    this.#changes = follow ? new FileChanges(file) : undefined;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    const { options, isRunning, signal } = this.#source;
    for (;;) {
      // Asked before the rest is read: what was written up to its end is part of the log.
      const goesOn = options.follow && isRunning();
      yield* this.#rest();
      if (this.#formatter.isDone || signal.aborted) return;
      if (yield* this.#rotated()) continue;
      if (!goesOn) {
        yield this.#formatter.end();
        return;
      }
      await this.#changes!.next(lookMs, signal);
    }
  }

  async close(): Promise<void> {
    this.#changes?.close();
    await Promise.all([this.#handle.close(), this.#next?.close()]);
  }

  /** From where it is to the end of the file as it is now. */
  async *#rest(): AsyncGenerator<Buffer> {
    while (!this.#formatter.isDone && !this.#source.signal.aborted) {
      const { bytesRead } = await this.#handle.read(this.#buffer, 0, chunkBytes, this.#position);
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const out = this.#formatter.push(this.#buffer.subarray(0, bytesRead));
      if (out.length > 0) yield out;
    }
  }

  /** Goes over to the file that has the log's name now. @returns whether there is one */
  async *#rotated(): AsyncGenerator<Buffer, boolean> {
    if (!this.#source.options.follow) return false;
    const [now, own] = await Promise.all([stat(this.#file).catch(() => undefined), this.#handle.stat()]);
    if (now?.ino === own.ino && now.dev === own.dev) {
      if (own.size >= this.#position) return false;
      // It was cut off where it is (copytruncate).
      this.#position = 0;
      return true;
    }
    this.#next = now && (await open(this.#file, "r").catch(() => undefined));
    if (!this.#next) return false;
    await new Promise((resolve) => setTimeout(resolve, settleMs).unref());
    yield* this.#rest();
    yield this.#formatter.end();
    const old = this.#handle;
    this.#handle = this.#next;
    this.#next = undefined;
    this.#position = 0;
    await old.close();
    return true;
  }
}

async function startOf(handle: FileHandle, { tailLines, sinceMs }: LogOptions): Promise<number> {
  const { size } = await handle.stat();
  const from = tailLines === undefined ? 0 : await tailStart(handle, size, tailLines);
  return sinceMs === undefined ? from : sinceStart(handle, from, size, sinceMs);
}

function words({ code, message }: NodeJS.ErrnoException): string {
  return code === "ENOENT" ? "no such file or directory" : message;
}
