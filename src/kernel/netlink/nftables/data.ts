/** Registers, data and verdicts: what nf_tables loads, compares and stores (NFTA_DATA_*). */
import { ipBytes } from "../../../model/address.ts";
import { attr, attributes, nest, writeAttribute } from "../codec/attributes.ts";
import { be32, bytes, named, type Codec, type ValueOf } from "../codec/codec.ts";
import { DecodeFailure } from "../codec/reader.ts";
import { be32Attr, textAttr } from "./fields.ts";

/** NFT_DATA_VALUE_MAXLEN: most bytes of a key or of data. */
export const maxDataBytes = 64;

/** NFT_DATA_VERDICT: the data type of verdict maps. */
export const verdictType = 0xffffff00;

/** NFT_REG_VERDICT */
export const verdictRegister = 0;

/**
 * The number of the 32-bit register `index`, 0 to 15. The first of each four has the number of a
 * 128-bit register (NFT_REG_1 to NFT_REG_4) because that is how the kernel lists it.
 */
export function register(index: number): number {
  return index % 4 === 0 ? 1 + index / 4 : 8 + index;
}

/** The 32-bit register, 0 to 15, at which register number `number` starts. */
export function registerIndex(number: number): number {
  return number <= 4 ? (number - 1) * 4 : number - 8;
}

const valueAttribute = attr(1, bytes());
const valueOnly = attributes({ value: valueAttribute });

/** NFTA_DATA_VALUE where no verdict can stand, as the bytes alone. */
export const dataValue: Codec<Uint8Array> = {
  shape: { type: "bytes", min: 0, max: maxDataBytes },
  write: (w, v) => writeAttribute(w, valueAttribute, v),
  read(r) {
    const { value } = valueOnly.read(r);
    if (!value) throw new DecodeFailure("NFTA_DATA_VALUE is missing");
    return value;
  },
};

/** enum nft_verdicts, and NF_DROP and NF_ACCEPT, which share its numbers. */
export const verdictCode = named(be32, {
  drop: 0,
  accept: 1,
  queue: 3,
  continue: 0xffffffff,
  break: 0xfffffffe,
  jump: 0xfffffffd,
  goto: 0xfffffffc,
  return: 0xfffffffb,
});

/** `chain` with jump and goto alone; `chainId` is a chain added in the same batch. */
export const verdict = attributes({ code: attr(1, verdictCode), chain: textAttr(2), chainId: be32Attr(3) });
export type Verdict = ValueOf<typeof verdict>;

/** Bytes or a verdict: what an element or `immediate` gives. */
export const data = attributes({ value: valueAttribute, verdict: nest(2, verdict) });
export type Data = ValueOf<typeof data>;

/** Parts of keys and data, in the byte order in which packets and registers have them. */
export const part = {
  /** 4 or 16 bytes. The text was validated when it became an address. */
  address(text: string): Uint8Array {
    const raw = ipBytes(text);
    if (!raw) throw new TypeError(`"${text}" is not an IP address`);
    return raw;
  },
  /** inet_service: big-endian, as in the packet. */
  port: (port: number): Uint8Array => Uint8Array.of(port >>> 8, port),
  /** inet_proto: IPPROTO_*. */
  protocol: (protocol: number): Uint8Array => Uint8Array.of(protocol),
  /** Marks, interface indexes, numgen's and hash's results: the host's order, as the kernel computes with them. */
  host32: (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24),
  /** ifname: padded to IFNAMSIZ. */
  interfaceName(name: string): Uint8Array {
    const raw = new Uint8Array(16);
    raw.set(Buffer.from(name).subarray(0, 15));
    return raw;
  },
} as const;

/**
 * A concatenated key: each part takes whole 32-bit registers, so that it is padded with zeros to a
 * multiple of 4 bytes (include/net/netfilter/nf_tables.h, nft_register_store8).
 */
export function concatKey(parts: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const one of parts) size += padded(one.length);
  const key = Buffer.allocUnsafe(size);
  let at = 0;
  for (const one of parts) {
    for (let i = 0; i < one.length; i++) key[at + i] = one[i]!;
    for (let i = one.length; i < padded(one.length); i++) key[at + i] = 0;
    at += padded(one.length);
  }
  return key;
}

/** Bytes that a part of `length` bytes takes in registers. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
