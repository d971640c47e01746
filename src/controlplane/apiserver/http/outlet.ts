/**
 * Bytes on their way to a client: written as fast as it takes them, many clients in turns. What waits
 * here waits as references to Buffers that clients share; a copy is made only of what is written next.
 */
import { performance } from "node:perf_hooks";
import type { ServerResponse } from "node:http";
import { chunkBytes } from "./chunks.ts";
import type { Reply } from "./reply.ts";

/** Written parts that are kept until they are let go together. */
const releasedAt = 4096;
/** How long writing keeps the event loop before others have their turn, in ms. */
const turnMs = 8;

/** One queue of everyone who has something to write, served in order. */
const ready: Outlet[] = [];
let isScheduled = false;

function schedule(outlet: Outlet): void {
  ready.push(outlet);
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(serve);
}

function serve(): void {
  const until = performance.now() + turnMs;
  let next = 0;
  while (next < ready.length && performance.now() < until) ready[next++]!.writeSlice();
  ready.splice(0, next);
  isScheduled = ready.length > 0;
  if (isScheduled) setImmediate(serve);
}

export class Outlet {
  readonly #target: Reply;
  #parts: Buffer[] = [];
  /** The first of #parts that was not written. */
  #next = 0;
  #bytes = 0;
  #state: "idle" | "ready" | "full" | "closed" = "idle";
  #isEnding = false;

  constructor(target: Reply) {
    this.#target = target;
    target.once("close", () => {
      this.#state = "closed";
      this.#parts = [];
      this.#bytes = 0;
    });
  }

  /** Bytes that the client has not taken yet. */
  get queuedBytes(): number {
    return this.#bytes + this.#target.writableLength;
  }

  /** Queues bytes that nobody changes any more. */
  write(part: Buffer): void {
    if (this.#state === "closed" || this.#isEnding) return;
    this.#parts.push(part);
    this.#bytes += part.length;
    this.#wake();
  }

  /** Ends the response behind what is queued. */
  end(): void {
    this.#isEnding = true;
    this.#wake();
  }

  #wake(): void {
    if (this.#state !== "idle") return;
    this.#state = "ready";
    schedule(this);
  }

  /** Writes what is next; called by the queue alone. */
  writeSlice(): void {
    if (this.#state !== "ready") return;
    const slice = this.#take();
    const hasRoom = slice === undefined || (this.#target as ServerResponse).write(slice);
    if (!hasRoom) return this.#awaitDrain();
    if (this.#parts.length > 0) return schedule(this);
    this.#state = this.#isEnding ? "closed" : "idle";
    if (this.#isEnding) this.#target.end();
  }

  #awaitDrain(): void {
    this.#state = "full";
    this.#target.once("drain", () => {
      if (this.#state !== "full") return;
      this.#state = "idle";
      if (this.#parts.length > 0 || this.#isEnding) this.#wake();
    });
  }

  /** The next parts as one Buffer: a single one as it is, small ones copied together. */
  #take(): Buffer | undefined {
    const from = this.#next;
    let to = from;
    let size = 0;
    while (to < this.#parts.length && (size === 0 || size + this.#parts[to]!.length <= chunkBytes)) {
      size += this.#parts[to++]!.length;
    }
    const parts = this.#parts.slice(from, to);
    this.#bytes -= size;
    this.#next = to;
    // What was written is let go in large steps: taking it off one by one would move the rest each time.
    if (to === this.#parts.length || to > releasedAt) {
      this.#parts.splice(0, to);
      this.#next = 0;
    }
    return parts.length <= 1 ? parts[0] : Buffer.concat(parts, size);
  }
}
