/**
 * Codecs: one value describes both directions of a piece of netlink, so that what can be encoded can
 * be observed back. `shape` says which values a codec takes; the property tests make values from it.
 */
import { ipBytes, ipText, macBytes, macText, type IpAddress, type MacAddress } from "../../../model/address.ts";
import { DecodeFailure, type Reader } from "./reader.ts";
import { EncodeFailure, type Writer } from "./writer.ts";

/** Which values a codec takes, as data. */
export type Shape =
  | { readonly type: "uint"; readonly bits: 8 | 16 | 32 }
  | { readonly type: "sint"; readonly bits: 32 }
  | { readonly type: "bigint" }
  | { readonly type: "boolean" }
  | { readonly type: "bytes"; readonly min: number; readonly max: number }
  | { readonly type: "text"; readonly maxBytes: number }
  | { readonly type: "ip"; readonly lengths: readonly (4 | 16)[] }
  | { readonly type: "mac" }
  | { readonly type: "present" }
  | { readonly type: "padding" }
  | { readonly type: "enum"; readonly names: readonly string[] }
  | { readonly type: "flags"; readonly names: readonly string[] }
  | { readonly type: "record"; readonly fields: Readonly<Record<string, Shape>>; readonly optional: boolean }
  | { readonly type: "merged"; readonly parts: readonly Shape[] }
  | { readonly type: "list"; readonly item: () => Shape; readonly min: number; readonly max: number }
  | {
      readonly type: "tagged";
      readonly tag: string;
      readonly variants: Readonly<Record<string, () => Shape>>;
    };

export interface Codec<T> {
  readonly shape: Shape;
  /** @throws EncodeFailure when the value does not fit */
  write(writer: Writer, value: T): void;
  /** Reads from the reader's position, at most to its end. @throws DecodeFailure */
  read(reader: Reader): T;
}

/** The type of value that a codec takes. */
export type ValueOf<C> = C extends Codec<infer T> ? T : never;

export const u8: Codec<number> = {
  shape: { type: "uint", bits: 8 },
  write: (w, v) => w.u8(v),
  read: (r) => r.u8(),
};
/** A byte that says yes (1; any other than 0 when read) or no (0). */
export const bool8: Codec<boolean> = {
  shape: { type: "boolean" },
  write: (w, v) => w.u8(v ? 1 : 0),
  read: (r) => r.u8() !== 0,
};
export const u16: Codec<number> = {
  shape: { type: "uint", bits: 16 },
  write: (w, v) => w.u16(v),
  read: (r) => r.u16(),
};
export const u32: Codec<number> = {
  shape: { type: "uint", bits: 32 },
  write: (w, v) => w.u32(v),
  read: (r) => r.u32(),
};
export const s32: Codec<number> = {
  shape: { type: "sint", bits: 32 },
  write: (w, v) => w.s32(v),
  read: (r) => r.s32(),
};
export const u64: Codec<bigint> = {
  shape: { type: "bigint" },
  write: (w, v) => w.u64(v),
  read: (r) => r.u64(),
};
export const be16: Codec<number> = {
  shape: { type: "uint", bits: 16 },
  write: (w, v) => w.be16(v),
  read: (r) => r.be16(),
};
export const be32: Codec<number> = {
  shape: { type: "uint", bits: 32 },
  write: (w, v) => w.be32(v),
  read: (r) => r.be32(),
};
export const be64: Codec<bigint> = {
  shape: { type: "bigint" },
  write: (w, v) => w.be64(v),
  read: (r) => r.be64(),
};

/** All bytes that are left (of an attribute's payload), between `min` and `max` of them. */
export function bytes(min = 0, max = 0xffff - 4): Codec<Uint8Array> {
  const check = (length: number): string | undefined =>
    length < min || length > max ? `${length} bytes where ${min === max ? min : `${min} to ${max}`} fit` : undefined;
  return {
    shape: { type: "bytes", min, max },
    write(w, v) {
      const wrong = check(v.length);
      if (wrong) throw new EncodeFailure(wrong);
      w.bytes(v);
    },
    read(r) {
      const wrong = check(r.remaining);
      if (wrong) throw new DecodeFailure(wrong);
      return r.bytes(r.remaining);
    },
  };
}

/** Text with its terminating NUL (NLA_NUL_STRING); `maxBytes` counts without it. */
export function cstring(maxBytes = 0xffff - 5): Codec<string> {
  return {
    shape: { type: "text", maxBytes },
    write(w, v) {
      if (v.includes("\0")) throw new EncodeFailure("text holds a NUL byte");
      const start = w.length;
      w.text(v);
      const size = w.length - start;
      if (size > maxBytes) throw new EncodeFailure(`text of ${size} bytes where ${maxBytes} fit`);
      w.u8(0);
    },
    read(r) {
      // NLA_STRING comes from some kernel parts without the NUL: what stands before the first NUL counts.
      const text = r.text(r.remaining);
      const end = text.indexOf("\0");
      return end < 0 ? text : text.slice(0, end);
    },
  };
}

/** An attribute that says something by being there (NLA_FLAG). */
export const present: Codec<true> = {
  shape: { type: "present" },
  write: () => {},
  read: () => true,
};

/** An IP address of 4 or 16 bytes as canonical text. */
export function ip(...lengths: readonly (4 | 16)[]): Codec<IpAddress> {
  const allowed: readonly number[] = lengths.length === 0 ? [4, 16] : lengths;
  return {
    shape: { type: "ip", lengths: lengths.length === 0 ? [4, 16] : lengths },
    write(w, v) {
      const raw = ipBytes(v);
      if (!raw || !allowed.includes(raw.length)) throw new EncodeFailure(`"${v}" is not an address of this family`);
      w.bytes(raw);
    },
    read(r) {
      const count = r.remaining;
      if (!allowed.includes(count)) throw new DecodeFailure(`an address of ${count} bytes`);
      return ipText(r.bytes(count))!;
    },
  };
}

/** A MAC address of 6 bytes. */
export const mac: Codec<MacAddress> = {
  shape: { type: "mac" },
  write(w, v) {
    const raw = macBytes(v);
    if (!raw) throw new EncodeFailure(`"${v}" is not a MAC address`);
    w.bytes(raw);
  },
  read(r) {
    if (r.remaining !== 6) throw new DecodeFailure(`a MAC address of ${r.remaining} bytes`);
    return macText(r.bytes(6))!;
  },
};

/** A number that has names: values without one are kept as `#<number>`, so that nothing read is lost. */
export function named<const N extends Readonly<Record<string, number>>>(
  base: Codec<number>,
  names: N,
): Codec<(keyof N & string) | `#${number}`> {
  const nameOf = new Map<number, keyof N & string>();
  const valueOf = new Map<string, number>(Object.entries(names));
  for (const [name, value] of valueOf) nameOf.set(value, name);
  return {
    shape: { type: "enum", names: Object.keys(names) },
    write(w, v) {
      const value = valueOf.get(v) ?? (v.startsWith("#") ? Number(v.slice(1)) : undefined);
      if (value === undefined) throw new EncodeFailure(`"${v}" is none of ${Object.keys(names).join(", ")}`);
      base.write(w, value);
    },
    read(r) {
      const value = base.read(r);
      return nameOf.get(value) ?? `#${value}`;
    },
  };
}

/** Bytes of a struct that hold nothing: written as zeros, skipped when read, no field of the value. */
export interface Padding extends Codec<never> {
  readonly padding: number;
}

export function pad(size: number): Padding {
  return {
    padding: size,
    shape: { type: "padding" },
    write: (w) => w.zeros(size),
    read(r) {
      r.skip(size);
      return undefined as never;
    },
  };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- codecs are invariant: no other type holds all of them
export type AnyCodec = Codec<any>;
export type StructValue<F> = { -readonly [K in keyof F as F[K] extends Padding ? never : K]: ValueOf<F[K]> };

/** Fields back to back in the order they are named, each of fixed size; C's implicit padding is a {@link pad}. */
export function struct<const F extends Readonly<Record<string, AnyCodec>>>(fields: F): Codec<StructValue<F>> {
  const entries: [string, AnyCodec, boolean][] = Object.entries(fields).map(([n, c]) => [n, c, "padding" in c]);
  const values = entries.filter(([, , isPadding]) => !isPadding);
  return {
    shape: {
      type: "record",
      optional: false,
      fields: Object.fromEntries(values.map(([name, codec]) => [name, codec.shape])),
    },
    write(w, v) {
      for (const [name, codec] of entries) {
        try {
          codec.write(w, (v as Record<string, unknown>)[name]);
        } catch (error) {
          throw at(name, error);
        }
      }
    },
    read(r) {
      const value: Record<string, unknown> = {};
      for (const [name, codec, isPadding] of entries) {
        try {
          const field: unknown = codec.read(r);
          if (!isPadding) value[name] = field;
        } catch (error) {
          throw at(name, error);
        }
      }
      return value as StructValue<F>;
    },
  };
}

/** Exactly `size` bytes read by `inner`, which takes all that it is given (an address within a struct). */
export function fixed<T>(size: number, inner: Codec<T>): Codec<T> {
  return {
    shape: inner.shape,
    write(w, v) {
      const start = w.length;
      inner.write(w, v);
      if (w.length - start !== size) throw new EncodeFailure(`${w.length - start} bytes where ${size} fit`);
    },
    read: (r) => r.within(size, () => inner.read(r)),
  };
}

/** A fixed header followed by attributes, as one flat object (`ifinfomsg` and IFLA_*). Field names must differ. */
export function merged<A extends object, B extends object>(head: Codec<A>, tail: Codec<B>): Codec<A & B> {
  return {
    shape: { type: "merged", parts: [head.shape, tail.shape] },
    write(w, v) {
      head.write(w, v);
      w.align();
      tail.write(w, v);
    },
    read(r) {
      const value = head.read(r);
      r.align();
      return Object.assign(value, tail.read(r));
    },
  };
}

/** Two codecs side by side among the same attributes: each reads those that are its own. Field names must differ. */
export function alongside<A extends object, B extends object>(first: Codec<A>, second: Codec<B>): Codec<A & B> {
  return {
    shape: { type: "merged", parts: [first.shape, second.shape] },
    write(w, v) {
      first.write(w, v);
      second.write(w, v);
    },
    read(r) {
      const start = r.position;
      const value = first.read(r);
      r.position = start;
      return Object.assign(value, second.read(r));
    },
  };
}

/** Adds the name of the field to a failure on its way up. */
export function at(name: string, error: unknown): unknown {
  if (error instanceof EncodeFailure || error instanceof DecodeFailure) error.path.unshift(name);
  return error;
}
