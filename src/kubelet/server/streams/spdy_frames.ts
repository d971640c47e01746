/** Frames of SPDY/3.1 (draft-mbelshe-httpbis-spdy), as a client of a runtime's streams needs them. Pure. */

export const frameTypes = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
export const flagFin = 1;
export const headBytes = 8;
const controlBit = 0x8000_0000;
const version = 0x8003;

export type FrameHead =
  | { readonly isControl: false; readonly stream: number; readonly flags: number; readonly length: number }
  | { readonly isControl: true; readonly type: number; readonly flags: number; readonly length: number };

export function decodeHead(bytes: Buffer): FrameHead {
  const first = bytes.readUInt32BE(0);
  const flags = bytes[4]!;
  const length = bytes.readUIntBE(5, 3);
  if (first < controlBit) return { isControl: false, stream: first, flags, length };
  return { isControl: true, type: first & 0xffff, flags, length };
}

export function dataHead(stream: number, flags: number, length: number): Buffer {
  const bytes = Buffer.alloc(headBytes);
  bytes.writeUInt32BE(stream);
  bytes[4] = flags;
  bytes.writeUIntBE(length, 5, 3);
  return bytes;
}

export function controlFrame(type: number, payload: Buffer): Buffer {
  return Buffer.concat([dataHead(version * 0x1_0000 + type, 0, payload.length), payload]);
}

/** @param isFirst of its connection: all header blocks of one are one zlib stream */
export function synStream(stream: number, headers: Readonly<Record<string, string>>, isFirst: boolean): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt32BE(stream);
  return controlFrame(frameTypes.synStream, Buffer.concat([fixed, headerBlock(headers, isFirst)]));
}

/** RFC 1950: deflate with a 32 KiB window, a preset dictionary, and the Adler-32 of SPDY/3's. */
const zlibHead = Buffer.from("78bbe3c6a7c2", "hex");
/** RFC 1951: an empty stored block, by which a reader gives out what it has. */
const flush = Buffer.from("000000ffff", "hex");

/** Stored, not compressed: it is a few words once a stream, and so neither dictionary nor state are needed. */
function headerBlock(headers: Readonly<Record<string, string>>, isFirst: boolean): Buffer {
  const entries = Object.entries(headers);
  const parts = [number32(entries.length), ...entries.flatMap(([name, value]) => [text(name), text(value)])];
  const block = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.writeUInt16LE(block.length, 1);
  head.writeUInt16LE(~block.length & 0xffff, 3);
  return Buffer.concat([...(isFirst ? [zlibHead] : []), head, block, flush]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number32(bytes.length), bytes]);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
