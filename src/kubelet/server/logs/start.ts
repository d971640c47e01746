/** Where in a log file to begin: found from its end, or by its times, and never by reading all of it. */
import type { FileHandle } from "node:fs/promises";
import { parseLogLine, timeMs } from "./line.ts";

const newline = 0x0a;
const blockBytes = 64 * 1024;

/** The offset behind which the last `lines` lines are (pkg/util/tail, FindTailLineStartIndex). */
export async function tailStart(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines <= 0) return size;
  const block = Buffer.alloc(blockBytes);
  let found = 0;
  for (let end = size; end > 0;) {
    const begin = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - begin, begin);
    const read = block.subarray(0, bytesRead);
    for (let at = read.lastIndexOf(newline); at >= 0; at = at === 0 ? -1 : read.lastIndexOf(newline, at - 1)) {
      if (++found > lines) return begin + at + 1;
    }
    end = begin;
  }
  return 0;
}

/** Lines of two streams may be a little out of order: so much before what was found is looked at as well, in bytes. */
const disorderBytes = 256 * 1024;

/**
 * An offset before which all lines are older. Times in a log file ascend, so that it takes a few reads whatever its size.
 *
 * @param from an offset where a line begins: nothing before it is wanted
 */
export async function sinceStart(file: FileHandle, from: number, size: number, sinceMs: number): Promise<number> {
  let low = from;
  let high = size;
  while (high - low > disorderBytes) {
    const middle = low + Math.floor((high - low) / 2);
    const line = await lineBehind(file, middle, size);
    // No line begins there: one line is longer than a block.
    if (!line) return from;
    if (line.ms < sinceMs) low = middle;
    else high = middle;
  }
  const begin = low - disorderBytes;
  if (begin <= from) return from;
  return (await lineBehind(file, begin, size))?.at ?? from;
}

/** The first line that begins behind an offset. */
async function lineBehind(
  file: FileHandle,
  offset: number,
  size: number,
): Promise<{ readonly at: number; readonly ms: number } | undefined> {
  const block = Buffer.alloc(Math.min(blockBytes, size - offset));
  const { bytesRead } = await file.read(block, 0, block.length, offset);
  const read = block.subarray(0, bytesRead);
  for (let at = read.indexOf(newline); at >= 0; at = read.indexOf(newline, at + 1)) {
    const line = parseLogLine(read.subarray(at + 1));
    if (line) return { at: offset + at + 1, ms: timeMs(line.time) };
  }
  return undefined;
}
