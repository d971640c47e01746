import { FairleadError } from "../../../errors/catalogue.ts";

/** A reason without its place; the codecs that enclose it add the path. */
export class DecodeFailure extends Error {
  readonly path: string[] = [];
  toError(): FairleadError {
    return new FairleadError("NETLINK_DECODE", { subject: this.path.join("."), reason: this.message, cause: this });
  }
}

/** Nested attributes deeper than this are refused: the kernel's own policies go to about 10. */
const maxDepth = 32;

/**
 * Reads netlink bytes between `position` and `end`, never past `end`. Integers are in host order
 * (little-endian) unless the method says `be`.
 */
export class Reader {
  readonly #bytes: Buffer;
  position: number;
  end: number;
  #depth = 0;

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }
  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }
  be16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }
  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }
  s32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }
  be32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }
  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }
  be64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  /** A copy, so that a small value does not keep a whole datagram alive. */
  bytes(count: number): Buffer {
    const at = this.#take(count);
    return Buffer.from(this.#bytes.subarray(at, at + count));
  }

  text(count: number): string {
    const at = this.#take(count);
    return this.#bytes.toString("utf8", at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Runs `read` on the next `count` bytes alone and goes on behind them, however much of them it read. */
  within<T>(count: number, read: () => T): T {
    const start = this.#take(count);
    const end = this.end;
    if (++this.#depth > maxDepth) throw new DecodeFailure(`attributes are nested deeper than ${maxDepth}`);
    this.position = start;
    this.end = start + count;
    const value = read();
    this.position = start + count;
    this.end = end;
    this.#depth--;
    return value;
  }

  /** Goes on at the next multiple of 4 counted from the buffer's start, or at the end where that is nearer. */
  align(): void {
    this.position = Math.min((this.position + 3) & ~3, this.end);
  }

  #take(count: number): number {
    const at = this.position;
    if (at + count > this.end) throw new DecodeFailure(`${count} bytes are needed and ${this.end - at} are left`);
    this.position = at + count;
    return at;
  }
}
