import type { Readable, Writable } from "node:stream";

/** As much of a stream is kept, its end; more only streams through. In characters. */
const keptLength = 16 * 1024 * 1024;

export interface Output {
  stdout(): string;
  stderr(): string;
}

/** Passes a stream on as it comes, and remembers it. Returns what was remembered. */
export function collect(source: Readable, sink: Writable | undefined): () => string {
  let kept = "";
  source.setEncoding("utf8").on("data", (text: string) => {
    kept += text;
    if (kept.length > 2 * keptLength) kept = kept.slice(-keptLength);
  });
  if (sink !== undefined) source.pipe(sink, { end: false });
  return () => kept;
}

/** The last lines of a text, under a heading, or nothing of an empty one. */
export function tail(heading: string, text: string, length = 4_000): string {
  const end = text.trim().slice(-length);
  return end === "" ? "" : `\n--- ${heading}, its end:\n${end}`;
}
