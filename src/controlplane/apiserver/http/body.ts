/** Reading a request's body within bounds of size and time. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { ApiError } from "../status.ts";

export type Request = IncomingMessage | Http2ServerRequest;

/** Upstream's bound of a request: 3 MiB. */
export const maxBodyBytes = 3 * 1024 * 1024;
/** Time for a client to send a body: upstream's bound of a whole request. */
const bodyTimeoutMs = 60_000;

/** @throws ApiError 413 past the bound, 400 where the client breaks off, 504 where it is too slow */
export async function readBody(request: Request, limit = maxBodyBytes, timeoutMs = bodyTimeoutMs): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const parts: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new ApiError("Timeout", "Timeout: request did not complete within requested timeout"));
    }, timeoutMs);
    let isSettled = false;
    const settle = (error?: ApiError): void => {
      isSettled = true;
      clearTimeout(timer);
      request.removeAllListeners("data");
      if (error) reject(error);
      else resolve();
    };
    request.on("data", (part: Buffer) => {
      size += part.length;
      if (size > limit) settle(tooLarge(limit));
      else parts.push(part);
    });
    request.once("end", () => settle());
    request.once("error", (cause: Error) => settle(brokenOff(cause.message)));
    // It comes behind every request's end as well; an error's stack costs as much as a small request.
    request.once("close", () => {
      if (!isSettled) settle(brokenOff("the client is gone"));
    });
  });
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, size);
}

function tooLarge(limit: number): ApiError {
  return new ApiError("RequestEntityTooLarge", `Request entity too large: limit is ${limit}`);
}

function brokenOff(why: string): ApiError {
  return new ApiError("BadRequest", `the body could not be read: ${why}`);
}

/** What a client may go on sending of a body that was refused, in bytes and ms, before it is cut off. */
const lingerBytes = 64 * 1024 * 1024;
const lingerMs = 2000;

/**
 * Takes what is left of a body and drops it, within bounds: a connection that is closed with bytes
 * unread loses the answer that is on its way (RFC 9112, 9.6).
 */
export async function discardBody(request: Request): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  let discarded = 0;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on("data", (part: Buffer) => {
      discarded += part.length;
      if (discarded > lingerBytes) done();
    });
    request.once("end", done);
    request.once("close", done);
    request.resume();
  });
}
