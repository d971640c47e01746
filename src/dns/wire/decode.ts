/** Messages as they come: questions of clients, answers of other servers. Whatever the bytes are, nothing is thrown. */
import { flagBits, headerBytes, plainUdpBytes, types } from "./numbers.ts";

export interface Edns {
  /** UDP payload that the client takes, in bytes; at least 512 (RFC 6891, 6.2.3). */
  readonly size: number;
  readonly version: number;
  readonly wantsDnssec: boolean;
}

export interface Query {
  readonly id: number;
  readonly flags: number;
  readonly opcode: number;
  /** Lower-case, without the last dot; a dot within a label is "\046" (RFC 1035, 5.1). */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question's bytes, in the client's own case: the answer repeats them. */
  readonly question: Buffer;
  readonly edns: Edns | undefined;
}

/** What cannot be understood, but whose asker can be told so. */
export interface Malformed {
  readonly malformed: true;
  readonly id: number;
  readonly flags: number;
}

/** @returns undefined for what deserves no answer: no header, or itself an answer */
export function decodeQuery(bytes: Buffer): Query | Malformed | undefined {
  if (bytes.length < headerBytes) return undefined;
  const id = bytes.readUInt16BE(0);
  const flags = bytes.readUInt16BE(2);
  if (flags & flagBits.QR) return undefined;
  const malformed = { malformed: true, id, flags } as const;
  const question = bytes.readUInt16BE(4) === 1 ? decodeQuestion(bytes) : undefined;
  if (!question) return malformed;
  const edns = decodeEdns(bytes, headerBytes + question.question.length);
  if (edns === "malformed") return malformed;
  return { id, flags, opcode: (flags >> 11) & 15, ...question, edns };
}

type Question = Pick<Query, "name" | "type" | "class" | "question">;

/** The first question, which follows the header. Nothing is before it that a pointer could point to. */
export function decodeQuestion(bytes: Buffer): Question | undefined {
  let at = headerBytes;
  let name = "";
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > 63) return undefined;
    at++;
    if (length === 0) break;
    const end = at + length;
    // A name has 255 bytes at most (RFC 1035, 2.3.4), its end among them.
    if (end >= bytes.length || end - headerBytes > 254) return undefined;
    const label = bytes.toString("latin1", at, end);
    name += (name === "" ? "" : ".") + (label.includes(".") ? label.replaceAll(".", "\\046") : label);
    at = end;
  }
  if (at + 4 > bytes.length) return undefined;
  return {
    name: asciiLowerCase(name),
    type: bytes.readUInt16BE(at),
    class: bytes.readUInt16BE(at + 2),
    question: bytes.subarray(headerBytes, at + 4),
  };
}

/** Bytes beyond ASCII have no case here (RFC 4343). */
function asciiLowerCase(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text.toLowerCase() : text.replace(/[A-Z]/g, (c) => c.toLowerCase());
}

function decodeEdns(bytes: Buffer, from: number): Edns | undefined | "malformed" {
  let edns: Edns | undefined;
  const records = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  let at = from;
  for (let i = 0; i < records; i++) {
    const record = decodeRecord(bytes, at);
    if (!record) return "malformed";
    if (record.type === types.OPT) {
      // One, and of the root (RFC 6891, 6.1.1 and 6.1.2).
      if (edns || bytes[at] !== 0) return "malformed";
      edns = {
        size: Math.max(plainUdpBytes, bytes.readUInt16BE(record.fields + 2)),
        version: bytes[record.fields + 5]!,
        wantsDnssec: (bytes[record.fields + 6]! & 0x80) !== 0,
      };
    }
    at = record.end;
  }
  return edns;
}

export interface RecordPlace {
  readonly type: number;
  readonly ttl: number;
  /** Where its type is; class, TTL and length follow. */
  readonly fields: number;
  readonly end: number;
}

/** Where a record's parts are; its content is not looked at. */
export function decodeRecord(bytes: Buffer, start: number): RecordPlace | undefined {
  const fields = skipName(bytes, start);
  if (fields === undefined || fields + 10 > bytes.length) return undefined;
  const end = fields + 10 + bytes.readUInt16BE(fields + 8);
  if (end > bytes.length) return undefined;
  return { type: bytes.readUInt16BE(fields), ttl: bytes.readUInt32BE(fields + 4), fields, end };
}

function skipName(bytes: Buffer, start: number): number | undefined {
  for (let at = start; ;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > 63) return undefined;
    at += length + 1;
  }
}
