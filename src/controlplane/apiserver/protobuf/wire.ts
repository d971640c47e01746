/**
 * Reads the protobuf wire format (protobuf.dev/programming-guides/encoding) out of a buffer, within
 * its bounds. Groups, deprecated and never in the API, are refused.
 */
import { isUtf8 } from "node:buffer";

export const varint = 0;
export const fixed64 = 1;
export const delimited = 2;
export const fixed32 = 5;

/** Bytes that are no message. The message is upstream's where upstream has one. */
export class WireError extends Error {}

const unexpectedEnd = "unexpected EOF";
const maxFieldNumber = 2 ** 29 - 1;
const replacement = "\uFFFD";

export class WireReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #position: number;
  /** Halves of the varint that was read last. */
  #low = 0;
  #high = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** Field number × 8 + wire type. @throws WireError */
  tag(): number {
    this.#varint();
    const number = this.#high * 2 ** 29 + (this.#low >>> 3);
    if (number < 1 || number > maxFieldNumber) throw new WireError(`proto: illegal tag ${number}`);
    return number * 8 + (this.#low & 7);
  }

  /** @throws WireError past 2^53, which JSON's numbers do not hold */
  int64(): number {
    this.#varint();
    const value = (this.#high | 0) * 2 ** 32 + this.#low;
    if (!Number.isSafeInteger(value)) throw new WireError("an integer is beyond 2^53, the most that can be kept");
    return value;
  }

  /** As Go, which keeps the lower half. */
  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  double(): number {
    const at = this.#advance(8);
    return this.#bytes.readDoubleLE(at);
  }

  /** The content of a length-delimited field, as a reader of its own. */
  content(): WireReader {
    this.#varint();
    const length = this.#high * 2 ** 32 + this.#low;
    const start = this.#advance(length);
    return new WireReader(this.#bytes, start, start + length);
  }

  /** What is left, as text. @throws WireError where it is not UTF-8 */
  text(): string {
    const text = this.#bytes.toString("utf8", this.#position, this.#end);
    if (text.includes(replacement) && !isUtf8(this.bytes())) throw new WireError("a string is not valid UTF-8");
    return text;
  }

  /** What is left, as a view. */
  bytes(): Buffer {
    return this.#bytes.subarray(this.#position, this.#end);
  }

  /** Passes over a field's value. */
  skip(wireType: number): void {
    if (wireType === varint) this.#varint();
    else if (wireType === fixed64) this.#advance(8);
    else if (wireType === delimited) this.content();
    else if (wireType === fixed32) this.#advance(4);
    else throw new WireError(`proto: illegal wireType ${wireType}`);
  }

  /** @returns where the passed bytes begin */
  #advance(length: number): number {
    const start = this.#position;
    if (length > this.#end - start) throw new WireError(unexpectedEnd);
    this.#position = start + length;
    return start;
  }

  /** Leaves 64 bits, unsigned, in the two halves. */
  #varint(): void {
    this.#low = 0;
    this.#high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.done) throw new WireError(unexpectedEnd);
      const byte = this.#bytes[this.#position++]!;
      this.#addBits(byte & 0x7f, shift);
      if (byte < 0x80) return;
    }
    throw new WireError("proto: integer overflow");
  }

  #addBits(bits: number, shift: number): void {
    if (shift < 28) this.#low |= bits << shift;
    else if (shift === 28) {
      this.#low = (this.#low | (bits << 28)) >>> 0;
      this.#high = bits >>> 4;
    } else this.#high = (this.#high | (bits << (shift - 32))) >>> 0;
  }
}

/**
 * Hands each field of a message to `take`, which reads the value; what it does not know is passed over.
 *
 * @param take answers false for a field it has not read
 */
export function eachField(reader: WireReader, take: (number: number, wireType: number) => boolean): void {
  while (!reader.done) {
    const tag = reader.tag();
    const wireType = tag % 8;
    if (!take(Math.floor(tag / 8), wireType)) reader.skip(wireType);
  }
}

/** @throws WireError in upstream's words where a field comes in another wire type than its own */
export function expectType(wireType: number, expected: number, field: string): void {
  if (wireType !== expected) throw new WireError(`proto: wrong wireType = ${wireType} for field ${field}`);
}
