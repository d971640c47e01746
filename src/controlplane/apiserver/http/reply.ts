/** Writing whole responses: in pieces, as the client takes them, compressed where that pays. */
import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { ApiResponse } from "../context.ts";
import { ApiError } from "../status.ts";
import { chunkBytes, chunksOf } from "./chunks.ts";

export type Reply = ServerResponse | Http2ServerResponse;
export type WholeResponse = Extract<ApiResponse, { body: unknown }>;
type ReadableResponse = Extract<ApiResponse, { readable: unknown }>;

export interface SendOptions {
  /** Sent as headers, 299 each. */
  readonly warnings: readonly string[];
  /** The Accept-Encoding header. */
  readonly acceptEncoding?: string | undefined;
  /** HEAD: everything but the body. */
  readonly isHead?: boolean;
}

/** Bodies beyond it are compressed for who takes that (apiserver's APIResponseCompression), in bytes. */
const gzipThreshold = 128 * 1024;
/** What a client may take for one piece before it is given up, in ms: upstream's bound of a whole request. */
const stallTimeoutMs = 60_000;

/** Sets what every response begins with. */
export function begin(reply: Reply, { code, contentType }: ApiResponse, warnings: readonly string[]): void {
  reply.statusCode = code;
  reply.setHeader("Content-Type", contentType);
  reply.setHeader("Cache-Control", "no-cache, private");
  if (warnings.length > 0) reply.setHeader("Warning", warnings.slice(0, 64).map(warningHeader));
}

/** Sends a whole response. @returns the body's length in bytes, once all is handed to the connection */
export async function send(reply: Reply, response: WholeResponse, options: SendOptions): Promise<number> {
  begin(reply, response, options.warnings);
  for (const [name, value] of Object.entries(response.headers ?? {})) reply.setHeader(name, value);
  const parts = Buffer.isBuffer(response.body) ? [response.body] : response.body;
  let length = 0;
  for (const part of parts) length += part.length;
  if (options.isHead) {
    if (mayHaveBody(response.code)) reply.setHeader("Content-Length", length);
    reply.end();
    return 0;
  }
  if (length > gzipThreshold && takesGzip(options.acceptEncoding) && !reply.hasHeader("Content-Encoding")) {
    await sendCompressed(reply, parts);
    return length;
  }
  if (mayHaveBody(response.code)) reply.setHeader("Content-Length", length);
  if (length <= chunkBytes) (reply as ServerResponse).end(parts.length === 1 ? parts[0] : Buffer.concat(parts, length));
  else await writeAll(reply, chunksOf(parts));
  return length;
}

/** Passes a source on as fast as the client takes it. @returns the body's length in bytes */
export async function sendReadable(reply: Reply, response: ReadableResponse, options: SendOptions): Promise<number> {
  const { readable } = response;
  begin(reply, response, options.warnings);
  for (const [name, value] of Object.entries(response.headers ?? {})) reply.setHeader(name, value);
  if ("flushHeaders" in reply) reply.flushHeaders();
  reply.once("close", () => readable.destroy());
  if (options.isHead) {
    readable.destroy();
    reply.end();
    return 0;
  }
  let bytes = 0;
  try {
    for await (const piece of readable as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (!(reply as ServerResponse).write(piece)) await drained(reply, false);
    }
    reply.end();
  } catch {
    // The source broke off: the client must not take what it has for the whole.
    reply.destroy();
  }
  return bytes;
}

/** 1xx, 204 and 304 have none (RFC 9110, 6.4.1). */
function mayHaveBody(code: number): boolean {
  return code !== 204 && code !== 304;
}

/** Level 1 in zlib's thread: most of what there is to win, and no event loop waits for it. */
async function sendCompressed(reply: Reply, parts: readonly Buffer[]): Promise<void> {
  reply.setHeader("Content-Encoding", "gzip");
  reply.setHeader("Vary", "Accept-Encoding");
  const gzip = createGzip({ level: 1, chunkSize: chunkBytes });
  Readable.from(chunksOf(parts, 4 * chunkBytes)).pipe(gzip);
  try {
    await writeAll(reply, gzip as AsyncIterable<Buffer>);
  } finally {
    gzip.destroy();
  }
}

/** Writes piece by piece, each when the connection has taken the one before; other work goes on in between. */
async function writeAll(reply: Reply, pieces: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
  for await (const piece of pieces) {
    if (reply.destroyed) return;
    if (!(reply as ServerResponse).write(piece)) await drained(reply);
  }
  reply.end();
}

function drained(reply: Reply, isBounded = true): Promise<void> {
  if (reply.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = isBounded ? setTimeout(() => reply.destroy(), stallTimeoutMs) : undefined;
    const done = (): void => {
      clearTimeout(timer);
      reply.off("drain", done);
      reply.off("close", done);
      resolve();
    };
    reply.on("drain", done);
    reply.on("close", done);
  });
}

/** RFC 9110, 12.5.3: named, and not with a weight of 0. */
function takesGzip(acceptEncoding = ""): boolean {
  return acceptEncoding.split(",").some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(coding));
}

/** What was thrown as a response: a Status. Anything but an ApiError is an internal error. */
export function errorResponse(error: unknown): WholeResponse {
  const told =
    error instanceof ApiError
      ? error
      : new ApiError("InternalError", `Internal error occurred: ${(error as Error).message}`);
  const retry = told.details?.retryAfterSeconds;
  return {
    code: told.code,
    contentType: "application/json",
    body: Buffer.from(JSON.stringify(told.toStatus())),
    ...(retry === undefined ? {} : { headers: { "Retry-After": String(retry) } }),
  };
}

/** RFC 7234, 5.5: code, agent, quoted text. */
function warningHeader(text: string): string {
  const quoted = text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&");
  return `299 - "${quoted.slice(0, 4096)}"`;
}
