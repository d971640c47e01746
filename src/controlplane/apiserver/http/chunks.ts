/** Bodies in pieces of a size that a connection takes at once. */

/** Size of a piece, in bytes: large enough for few system calls, small enough to leave others their turn. */
export const chunkBytes = 64 * 1024;

/** The same bytes in pieces of about `size`: small parts are joined, large ones cut without a copy. */
export function* chunksOf(parts: Iterable<Buffer>, size = chunkBytes): Generator<Buffer> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  for (const part of parts) {
    if (part.length >= size) {
      if (bytes > 0) yield joined(gathered, bytes);
      gathered = [];
      bytes = 0;
      for (let at = 0; at < part.length; at += size) yield part.subarray(at, at + size);
      continue;
    }
    gathered.push(part);
    bytes += part.length;
    if (bytes < size) continue;
    yield joined(gathered, bytes);
    gathered = [];
    bytes = 0;
  }
  if (bytes > 0) yield joined(gathered, bytes);
}

function joined(parts: readonly Buffer[], bytes: number): Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
}
