import { FairleadError } from "../../../errors/catalogue.ts";

/** A reason without its place; the codecs that enclose it add the path. */
export class EncodeFailure extends Error {
  readonly path: string[] = [];
  toError(): FairleadError {
    return new FairleadError("NETLINK_ENCODE", { subject: this.path.join("."), reason: this.message, cause: this });
  }
}

/**
 * A growing buffer of netlink bytes. Integers are in host order (little-endian: Fairlead runs on
 * little-endian machines only) unless the method says `be`. Values out of range throw.
 */
export class Writer {
  #bytes: Buffer;
  /** Bytes written so far. */
  length = 0;

  constructor(initialBytes = 4096) {
    this.#bytes = Buffer.allocUnsafe(initialBytes);
  }

  u8(value: number): void {
    if ((value & 0xff) !== value) throw outOfRange(value, "u8");
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange(value, "u16");
    const at = this.#reserve(2);
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
  }

  be16(value: number): void {
    if ((value & 0xffff) !== value) throw outOfRange(value, "u16");
    const at = this.#reserve(2);
    const bytes = this.#bytes;
    bytes[at] = value >>> 8;
    bytes[at + 1] = value;
  }

  u32(value: number): void {
    if (value >>> 0 !== value) throw outOfRange(value, "u32");
    const at = this.#reserve(4);
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  s32(value: number): void {
    if ((value | 0) !== value) throw outOfRange(value, "s32");
    this.u32(value >>> 0);
  }

  be32(value: number): void {
    if (value >>> 0 !== value) throw outOfRange(value, "u32");
    const at = this.#reserve(4);
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  u64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw outOfRange(value, "u64");
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64LE(value, at);
  }

  be64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw outOfRange(value, "u64");
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64BE(value, at);
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    // A loop beats set() for the short keys and addresses that netlink is made of.
    if (value.length > 32) this.#bytes.set(value, at);
    else for (let i = 0; i < value.length; i++) this.#bytes[at + i] = value[i]!;
  }

  /** A part of other bytes, few of them. */
  copy(from: Uint8Array, start: number, count: number): void {
    const at = this.#reserve(count);
    const bytes = this.#bytes;
    for (let i = 0; i < count; i++) bytes[at + i] = from[start + i]!;
  }

  text(value: string): void {
    // Names are short and ASCII: one pass without a call into node's native code. Any other goes the general way.
    const start = this.length;
    const ascii = this.#reserve(value.length);
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.length = start;
        this.#utf8(value);
        return;
      }
      this.#bytes[ascii + i] = code;
    }
  }

  #utf8(value: string): void {
    const size = Buffer.byteLength(value);
    const at = this.#reserve(size);
    this.#bytes.write(value, at, size, "utf8");
  }

  zeros(count: number): void {
    const at = this.#reserve(count);
    if (count > 32) this.#bytes.fill(0, at, at + count);
    else for (let i = 0; i < count; i++) this.#bytes[at + i] = 0;
  }

  /** Pads with zeros to a multiple of 4 (NLA_ALIGN, NLMSG_ALIGN). */
  align(): void {
    const rest = this.length & 3;
    if (rest !== 0) this.zeros(4 - rest);
  }

  /** Writes over two bytes written before, in host order. */
  patch16(at: number, value: number): void {
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  /** Writes over four bytes written before, in host order. */
  patch32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  /** What was written: a view, valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  /** Forgets what was written from `length` on. */
  truncate(length: number): void {
    this.length = length;
  }

  #reserve(count: number): number {
    const at = this.length;
    const needed = at + count;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.length = needed;
    return at;
  }

  #grow(needed: number): void {
    const bytes = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(bytes, 0, 0, this.length);
    this.#bytes = bytes;
  }
}

function outOfRange(value: number | bigint, type: string): EncodeFailure {
  return new EncodeFailure(`${value} is not a ${type}`);
}
