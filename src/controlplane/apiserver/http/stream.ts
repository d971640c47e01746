/** Responses that stay open, with a bound on what a slow client lets gather. */
import type { StreamSink } from "../context.ts";
import { Outlet } from "./outlet.ts";
import type { Reply } from "./reply.ts";

/** What a stream may have queued for its client; one that is slower is cut off, and lists again. */
export const maxQueuedBytes = 16 * 1024 * 1024;
const newline = 0x0a;

export class ReplySink implements StreamSink {
  readonly #reply: Reply;
  readonly #outlet: Outlet;
  readonly #onLine: () => void;
  readonly #listeners: (() => void)[] = [];
  #initialBytes = 0;
  #allBytes = 0;
  #closed = false;

  /** @param onLine called for each line written */
  constructor(reply: Reply, onLine: () => void) {
    this.#reply = reply;
    this.#outlet = new Outlet(reply);
    this.#onLine = onLine;
    reply.once("close", () => this.#onClose());
  }

  get queuedBytes(): number {
    return this.#outlet.queuedBytes;
  }

  /** Everything written so far, in bytes, taken or not. */
  get writtenBytes(): number {
    return this.#allBytes;
  }

  write(bytes: Buffer | readonly Buffer[]): void {
    if (this.#closed) return;
    this.#push(Buffer.isBuffer(bytes) ? [bytes] : bytes);
    const taken = this.#allBytes - this.queuedBytes;
    const stillInitial = Math.max(0, this.#initialBytes - taken);
    if (this.queuedBytes - stillInitial > maxQueuedBytes) this.#reply.destroy();
  }

  writeInitial(parts: readonly Buffer[]): void {
    if (this.#closed) return;
    this.#push(parts);
    this.#initialBytes = this.#allBytes;
  }

  /** What was written before still goes out. */
  end(): void {
    if (!this.#closed) this.#outlet.end();
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#listeners.push(listener);
  }

  #push(parts: readonly Buffer[]): void {
    for (const part of parts) {
      this.#allBytes += part.length;
      this.#outlet.write(part);
      // Everything that is written ends its line.
      if (part[part.length - 1] === newline) this.#onLine();
    }
  }

  #onClose(): void {
    this.#closed = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
