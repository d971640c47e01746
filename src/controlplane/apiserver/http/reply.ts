/** Writing responses: whole ones, and streams with a bound on what a slow client lets gather. */
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { ApiResponse, StreamSink } from "../context.ts";
import { ApiError } from "../status.ts";

export type Reply = ServerResponse | Http2ServerResponse;

/** What a stream may have queued for its client; one that is slower is cut off, and lists again. */
export const maxQueuedBytes = 16 * 1024 * 1024;

/** Sends the response. Warnings go as headers, 299 each. */
export function send(reply: Reply, response: ApiResponse, warnings: readonly string[]): void {
  reply.statusCode = response.code;
  reply.setHeader("Content-Type", response.contentType);
  reply.setHeader("Cache-Control", "no-cache, private");
  if (warnings.length > 0) reply.setHeader("Warning", warnings.slice(0, 64).map(warningHeader));
  if ("stream" in response) return startStream(reply, response.stream);
  for (const [name, value] of Object.entries(response.headers ?? {})) reply.setHeader(name, value);
  const body = Array.isArray(response.body) ? Buffer.concat(response.body as Buffer[]) : (response.body as Buffer);
  reply.setHeader("Content-Length", body.length);
  reply.end(body);
}

/** Sends what was thrown: a Status. Anything but an ApiError is an internal error. */
export function sendError(reply: Reply, error: unknown): void {
  if (reply.headersSent) {
    reply.destroy();
    return;
  }
  const told =
    error instanceof ApiError
      ? error
      : new ApiError("InternalError", `Internal error occurred: ${(error as Error).message}`);
  const retry = told.details?.retryAfterSeconds;
  send(
    reply,
    {
      code: told.code,
      contentType: "application/json",
      body: Buffer.from(JSON.stringify(told.toStatus())),
      ...(retry === undefined ? {} : { headers: { "Retry-After": String(retry) } }),
    },
    [],
  );
}

function startStream(reply: Reply, source: (sink: StreamSink) => void): void {
  // A client waits for the headers before the first event.
  if ("flushHeaders" in reply) reply.flushHeaders();
  source(new ReplySink(reply));
}

class ReplySink implements StreamSink {
  readonly #reply: Reply;
  readonly #listeners: (() => void)[] = [];
  #closed = false;

  constructor(reply: Reply) {
    this.#reply = reply;
    reply.once("close", () => this.#onClose());
  }

  get queuedBytes(): number {
    return this.#reply.writableLength;
  }

  write(bytes: Buffer | readonly Buffer[]): void {
    if (this.#closed) return;
    const whole = Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes);
    (this.#reply as ServerResponse).write(whole);
    if (this.#reply.writableLength > maxQueuedBytes) this.#reply.destroy();
  }

  end(): void {
    if (!this.#closed) this.#reply.end();
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#listeners.push(listener);
  }

  #onClose(): void {
    this.#closed = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

/** RFC 7234, 5.5: code, agent, quoted text. */
function warningHeader(text: string): string {
  const quoted = text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&");
  return `299 - "${quoted.slice(0, 4096)}"`;
}
