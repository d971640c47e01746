/** Codecs of single fields that several nf_tables objects have. Integers are in network byte order. */
import { attr, list, type Attribute } from "../codec/attributes.ts";
import { be32, cstring, type Codec, type Shape } from "../codec/codec.ts";
import { DecodeFailure } from "../codec/reader.ts";
import { EncodeFailure } from "../codec/writer.ts";

/** A signed 32-bit integer (hook priorities). */
export const sbe32: Codec<number> = {
  shape: { type: "sint", bits: 32 },
  write(w, v) {
    if ((v | 0) !== v) throw new EncodeFailure(`${v} is not an s32`);
    w.be32(v >>> 0);
  },
  read: (r) => r.be32() | 0,
};

/**
 * 64 bits that stay far below 2^53 in practice, as a number: handles count objects, timeouts are in
 * ms. Counters of bytes do not (100 Gbit/s pass 2^53 bytes in eight days): they are bigints.
 */
export const be64Number: Codec<number> = {
  // The generator makes the lower half; unit tests have the rest.
  shape: { type: "uint", bits: 32 },
  write(w, v) {
    if (!Number.isSafeInteger(v) || v < 0) throw new EncodeFailure(`${v} is not a u64 below 2^53`);
    w.be32(Math.floor(v / 2 ** 32));
    w.be32(v >>> 0);
  },
  read(r) {
    const high = r.be32();
    if (high >= 2 ** 21) throw new DecodeFailure(`a number of 2^53 or more`);
    return high * 2 ** 32 + r.be32();
  },
};

/**
 * One expression stands in an attribute of its own, from the time when there could be but one, and
 * several in a list. Here they are a list always.
 */
export function foldExpression<E, T extends { expression?: E; expressions?: readonly E[] }>(
  codec: Codec<T>,
): Codec<Omit<T, "expression">> {
  return {
    shape: withoutExpression(codec.shape),
    write(w, v) {
      const { expressions } = v as T;
      const alone = expressions?.length === 1 ? { ...omit(v as T, "expressions"), expression: expressions[0] } : v;
      codec.write(w, alone as T);
    },
    read(r) {
      const value = codec.read(r);
      if (value.expression === undefined) return value;
      return { ...omit(value, "expression"), expressions: [value.expression] };
    },
  };
}

function withoutExpression(shape: Shape): Shape {
  if (shape.type !== "record") return shape;
  return { ...shape, fields: omit(shape.fields, "expression") };
}

/** NFTA_HOOK_DEVS and NFTA_FLOWTABLE_HOOK_DEVS: names of network devices. */
export const devices = list(1, cstring(), false);

/** Omit, one member of a union after the other. */
export type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** The object without some of its fields. */
export function omit<T extends object, K extends keyof T>(value: T, ...names: readonly K[]): Without<T, K> {
  const rest = { ...value };
  for (const name of names) Reflect.deleteProperty(rest, name);
  return rest as unknown as Without<T, K>;
}

/** An attribute that holds an integer of 32 bits. */
export const be32Attr = (type: number): Attribute<number> => attr(type, be32);

/** An attribute that holds a name. How long it may be is the kernel's to judge. */
export const textAttr = (type: number): Attribute<string> => attr(type, cstring());
