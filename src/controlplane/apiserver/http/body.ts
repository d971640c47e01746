/** Reading a request's body within a bound. */
import type { Readable } from "node:stream";
import { ApiError } from "../status.ts";

/** Upstream's bound of a request: 3 MiB. */
export const maxBodyBytes = 3 * 1024 * 1024;

/** @throws ApiError 413 past the bound, 400 where the client breaks off */
export async function readBody(request: Readable, limit = maxBodyBytes): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > limit) break;
      parts.push(part);
    }
  } catch (cause) {
    throw new ApiError("BadRequest", `the body could not be read: ${(cause as Error).message}`);
  }
  if (size > limit) throw new ApiError("RequestEntityTooLarge", `limit is ${limit}`);
  return Buffer.concat(parts, size);
}
