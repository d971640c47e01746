/** Bytes of a CRI log file → what a client sees of them. It keeps no more than one line that is not whole yet. */
import { fixedTime, parseLogLine, timeMs } from "./line.ts";
import type { LogOptions } from "./options.ts";

const newline = 0x0a;
/** A line that is longer is given out in parts: a runtime may be told to write lines of any length. */
const maxLineBytes = 256 * 1024;

export type FormatOptions = Pick<LogOptions, "timestamps" | "limitBytes" | "sinceMs" | "stream"> & {
  /** Lines after which it is done. */
  readonly maxLines?: number;
};

export class LogFormatter {
  readonly #options: FormatOptions;
  #rest: Buffer = Buffer.alloc(0);
  #out: Buffer[] = [];
  #leftBytes: number;
  #leftLines: number;
  /** What comes next begins a line of the client's. */
  #isNewLine = true;
  /** Inside a line that is too long: whether what follows is shown. */
  #inLong: { readonly isShown: boolean; readonly isPartial: boolean } | undefined;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#leftBytes = options.limitBytes ?? Infinity;
    this.#leftLines = options.maxLines ?? Infinity;
  }

  get isDone(): boolean {
    return this.#leftBytes <= 0 || this.#leftLines <= 0;
  }

  /** @returns a copy: the chunk may be used again */
  push(chunk: Buffer): Buffer {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0 && !this.isDone; at = chunk.indexOf(newline, from)) {
      const part = chunk.subarray(from, at + 1);
      this.#line(this.#rest.length === 0 ? part : Buffer.concat([this.#rest, part]));
      this.#rest = Buffer.alloc(0);
      from = at + 1;
    }
    if (!this.isDone && from < chunk.length) this.#keep(chunk.subarray(from));
    return this.#taken();
  }

  /** The file is over: what is there of its last line is all of it. */
  end(): Buffer {
    if (!this.isDone && this.#rest.length > 0) this.#line(this.#rest);
    this.#rest = Buffer.alloc(0);
    this.#inLong = undefined;
    return this.#taken();
  }

  #taken(): Buffer {
    const out = Buffer.concat(this.#out);
    this.#out = [];
    return out;
  }

  #keep(part: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, part]);
    if (this.#rest.length < maxLineBytes) return;
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    if (this.#inLong) return this.#text(rest, this.#inLong.isShown);
    const line = parseLogLine(rest);
    const isShown = line !== undefined && this.#wants(line.time, line.stream);
    this.#inLong = { isShown, isPartial: line?.isPartial ?? false };
    if (line) this.#text(rest.subarray(line.textAt), isShown, line.time);
  }

  #line(bytes: Buffer): void {
    if (this.#inLong) {
      const { isShown, isPartial } = this.#inLong;
      this.#inLong = undefined;
      this.#text(isPartial ? withoutNewline(bytes) : bytes, isShown);
      this.#leftLines--;
      return;
    }
    const line = parseLogLine(bytes);
    // What cannot be read is left out (upstream says so in its log alone).
    if (!line) return;
    const text = bytes.subarray(line.textAt);
    const isWanted = this.#wants(line.time, line.stream);
    this.#text(line.isPartial ? withoutNewline(text) : text, isWanted, line.time);
    this.#leftLines--;
  }

  #wants(time: string, stream: string): boolean {
    const { sinceMs, stream: wanted } = this.#options;
    return (wanted === undefined || wanted === stream) && (sinceMs === undefined || timeMs(time) >= sinceMs);
  }

  #text(text: Buffer, isShown: boolean, time?: string): void {
    const hasTime = time !== undefined && this.#isNewLine && this.#options.timestamps;
    this.#isNewLine = text.length === 0 || text[text.length - 1] === newline;
    if (!isShown) return;
    if (hasTime) this.#put(Buffer.from(`${fixedTime(time)} `, "latin1"));
    this.#put(text);
  }

  #put(bytes: Buffer): void {
    const cut = bytes.length > this.#leftBytes ? bytes.subarray(0, this.#leftBytes) : bytes;
    this.#leftBytes -= cut.length;
    if (cut.length > 0) this.#out.push(cut);
  }
}

function withoutNewline(bytes: Buffer): Buffer {
  return bytes[bytes.length - 1] === newline ? bytes.subarray(0, -1) : bytes;
}
