/**
 * Attributes: type, length and value, nested at will (include/uapi/linux/netlink.h, struct nlattr).
 * A group of attributes is an object whose fields may be absent; lists and tagged unions build on it.
 */
import { at, type AnyCodec, type Codec, type Shape, type ValueOf } from "./codec.ts";
import { DecodeFailure, type Reader } from "./reader.ts";
import { EncodeFailure, type Writer } from "./writer.ts";

const nestedFlag = 0x8000;
const netByteOrderFlag = 0x4000;
const typeMask = 0x3fff;
const headerBytes = 4;
const maxAttributeBytes = 0xffff;

/** Where a field goes: the attribute's number, its codec, and the flags of its header. */
export interface Attribute<T> {
  readonly type: number;
  readonly flags: number;
  readonly codec: Codec<T>;
  /** The attribute stands several times, its values form a list. */
  readonly repeated: boolean;
}

/** A plain attribute. */
export function attr<T>(type: number, codec: Codec<T>): Attribute<T> {
  return { type, flags: 0, codec, repeated: false };
}

/** An attribute that holds attributes (NLA_F_NESTED). */
export function nest<T>(type: number, codec: Codec<T>): Attribute<T> {
  return { type, flags: nestedFlag, codec, repeated: false };
}

/** An attribute that says it is in network byte order (NLA_F_NET_BYTEORDER), as ipset demands. */
export function netOrder<T>(type: number, codec: Codec<T>): Attribute<T> {
  return { type, flags: netByteOrderFlag, codec, repeated: false };
}

/** An attribute that may stand several times beside its neighbours. */
export function repeated<T>(type: number, codec: Codec<T>, isNested = false): Attribute<readonly T[]> {
  return { type, flags: isNested ? nestedFlag : 0, codec: codec as unknown as Codec<readonly T[]>, repeated: true };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- codecs are invariant: no other type holds all of them
export type AnyAttribute = Attribute<any>;
type AttributesOf = Readonly<Record<string, AnyAttribute>>;
export type AttributesValue<S> = { -readonly [K in keyof S]?: S[K] extends Attribute<infer T> ? T : never };

/**
 * A group of attributes as an object. Fields are written in the order of the specification; absent
 * fields are not written. Attributes that the specification does not name are skipped when reading:
 * newer kernels add their own.
 */
export function attributes<const S extends AttributesOf>(spec: S): Codec<AttributesValue<S>> {
  const entries = Object.entries(spec);
  const byType = new Map<number, [string, AnyAttribute]>();
  for (const entry of entries) byType.set(entry[1].type, entry);
  const places = new Map(entries.map(([name], place) => [name, place]));
  return {
    shape: {
      type: "record",
      optional: true,
      fields: Object.fromEntries(entries.map(([name, attribute]) => [name, shapeOf(attribute)])),
    },
    write(w, v) {
      for (const place of placesOf(v, places)) {
        const [name, attribute] = entries[place]!;
        const value = (v as Record<string, unknown>)[name];
        if (value === undefined) continue;
        try {
          if (attribute.repeated) for (const item of value as unknown[]) writeAttribute(w, attribute, item);
          else writeAttribute(w, attribute, value);
        } catch (error) {
          throw at(name, error);
        }
      }
    },
    read(r) {
      const value: Record<string, unknown> = {};
      eachAttribute(r, (type) => {
        const entry = byType.get(type);
        if (!entry) return;
        const [name, attribute] = entry;
        try {
          const field: unknown = attribute.codec.read(r);
          if (attribute.repeated) ((value[name] ??= []) as unknown[]).push(field);
          else value[name] = field;
        } catch (error) {
          throw at(name, error);
        }
      });
      return value as AttributesValue<S>;
    },
  };
}

/**
 * Where a value's fields stand in the specification, in its order. A message has few of the fields that
 * it could have: looking for each of those would be most of the work of encoding.
 */
function placesOf(value: object, places: ReadonlyMap<string, number>): number[] {
  const found: number[] = [];
  let isSorted = true;
  for (const name in value) {
    const place = places.get(name);
    if (place === undefined) continue;
    isSorted &&= found.length === 0 || found[found.length - 1]! < place;
    found.push(place);
  }
  return isSorted ? found : found.sort((a, b) => a - b);
}

function shapeOf(attribute: AnyAttribute): Shape {
  const shape = attribute.codec.shape;
  // An empty repetition cannot be told from an absent one, so that a value has one item or more.
  return attribute.repeated ? { type: "list", item: () => shape, min: 1, max: 4 } : shape;
}

/** Items one after another, each an attribute of the same number (nf_tables: NFTA_LIST_ELEM = 1). */
export function list<T>(type: number, codec: Codec<T>, isNested = true): Codec<readonly T[]> {
  const item: Attribute<T> = { type, flags: isNested ? nestedFlag : 0, codec, repeated: false };
  return {
    shape: { type: "list", item: () => codec.shape, min: 0, max: 4 },
    write(w, values) {
      for (let i = 0; i < values.length; i++) {
        try {
          writeAttribute(w, item, values[i]!);
        } catch (error) {
          throw at(String(i), error);
        }
      }
    },
    read(r) {
      const values: T[] = [];
      eachAttribute(r, (found) => {
        if (found !== type) return;
        try {
          values.push(codec.read(r));
        } catch (error) {
          throw at(String(values.length), error);
        }
      });
      return values;
    },
  };
}

/** Items one after another, whose attribute numbers count them from 1 and mean nothing else (CTRL_ATTR_OPS). */
export function numbered<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    shape: { type: "list", item: () => codec.shape, min: 0, max: 4 },
    write(w, values) {
      values.forEach((value, i) => {
        try {
          writeAttribute(w, nest(i + 1, codec), value);
        } catch (error) {
          throw at(String(i), error);
        }
      });
    },
    read(r) {
      const values: T[] = [];
      eachAttribute(r, () => {
        try {
          values.push(codec.read(r));
        } catch (error) {
          throw at(String(values.length), error);
        }
      });
      return values;
    },
  };
}

type Variants = Readonly<Record<string, AnyCodec>>;
/** What a kind that has no codec here decodes to: its name and its data as they came. */
export interface OtherVariant {
  readonly name: string;
  readonly data?: Uint8Array;
}
export type TaggedValue<Tag extends string, V> =
  | { [K in keyof V & string]: { readonly [T in Tag]: K } & ValueOf<V[K]> }[keyof V & string]
  | ({ readonly [T in Tag]: "other" } & OtherVariant);

/**
 * A name in one attribute and data whose form depends on it in another (IFLA_INFO_KIND and
 * IFLA_INFO_DATA, NFTA_EXPR_NAME and NFTA_EXPR_DATA), as one object with the name in field `tag`.
 */
export function tagged<Tag extends string, const V extends Variants>(
  tag: Tag,
  tagAttribute: Attribute<string>,
  dataType: number,
  variants: V,
): Codec<TaggedValue<Tag, V>> {
  return {
    shape: {
      type: "tagged",
      tag,
      variants: Object.fromEntries(Object.entries(variants).map(([name, codec]) => [name, () => codec.shape])),
    },
    write(w, v) {
      const kind = (v as Record<string, string>)[tag]!;
      if (kind === "other") return writeOther(w, tagAttribute, dataType, v);
      const codec = variants[kind];
      if (!codec) throw at(tag, new EncodeFailure(`"${kind}" is none of ${Object.keys(variants).join(", ")}`));
      writeAttribute(w, tagAttribute, kind);
      try {
        writeAttribute(w, nest(dataType, codec), v);
      } catch (error) {
        throw at(kind, error);
      }
    },
    read(r) {
      const { name, dataAt, dataBytes } = locate(r, tagAttribute, dataType);
      const codec = variants[name];
      if (dataAt === undefined) {
        return (codec ? { [tag]: name } : { [tag]: "other", name }) as TaggedValue<Tag, V>;
      }
      const end = r.position;
      r.position = dataAt;
      const value = r.within(dataBytes, () => readVariant(r, codec, name));
      r.position = end;
      return (codec ? { [tag]: name, ...value } : { [tag]: "other", name, ...value }) as TaggedValue<Tag, V>;
    },
  };
}

function readVariant(r: Reader, codec: AnyCodec | undefined, name: string): object {
  try {
    return codec ? (codec.read(r) as object) : { data: r.bytes(r.remaining) };
  } catch (error) {
    throw at(name, error);
  }
}

function writeOther(w: Writer, tagAttribute: Attribute<string>, dataType: number, value: OtherVariant): void {
  writeAttribute(w, tagAttribute, value.name);
  if (!value.data) return;
  const start = startAttribute(w, dataType | nestedFlag);
  w.bytes(value.data);
  endAttribute(w, start);
}

/** Finds the name and the data of a tagged pair, which may come in either order. */
function locate(r: Reader, tagAttribute: Attribute<string>, dataType: number) {
  let name: string | undefined;
  let dataAt: number | undefined;
  let dataBytes = 0;
  eachAttribute(r, (type, length) => {
    if (type === tagAttribute.type) name = tagAttribute.codec.read(r);
    else if (type === dataType) [dataAt, dataBytes] = [r.position, length];
  });
  if (name === undefined) throw new DecodeFailure("the attribute that names the kind is missing");
  return { name, dataAt, dataBytes };
}

/** Delays a codec's definition, for expressions that hold expressions. */
export function lazy<T>(definition: () => Codec<T>): Codec<T> {
  return {
    get shape() {
      return definition().shape;
    },
    write: (w, v) => definition().write(w, v),
    read: (r) => definition().read(r),
  };
}

/** Writes one attribute: header, payload, padding. */
export function writeAttribute<T>(w: Writer, attribute: Attribute<T>, value: T): void {
  const start = startAttribute(w, attribute.type | attribute.flags);
  attribute.codec.write(w, value);
  endAttribute(w, start);
}

/** Starts an attribute whose payload the caller writes; give the result to {@link endAttribute}. */
export function startAttribute(w: Writer, typeAndFlags: number): number {
  const start = w.length;
  w.u16(0);
  w.u16(typeAndFlags);
  return start;
}

/** @throws EncodeFailure past 64 KiB less one, the most that nla_len holds */
export function endAttribute(w: Writer, start: number): void {
  const length = w.length - start;
  if (length > maxAttributeBytes)
    throw new EncodeFailure(`${length} bytes where an attribute holds ${maxAttributeBytes}`);
  w.patch16(start, length);
  w.align();
}

/** Calls `visit` with each attribute's number and payload length; the reader stands at the payload. */
function eachAttribute(r: Reader, visit: (type: number, length: number) => void): void {
  while (r.remaining >= headerBytes) {
    const length = r.u16();
    const type = r.u16() & typeMask;
    if (length < headerBytes || length - headerBytes > r.remaining) {
      throw new DecodeFailure(`attribute ${type} says ${length} bytes where ${r.remaining + headerBytes} are left`);
    }
    r.within(length - headerBytes, () => visit(type, length - headerBytes));
    r.align();
  }
}
