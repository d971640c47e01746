/** Sets, maps and their elements (enum nft_set_attributes, nft_set_elem_attributes). */
import { attr, attributes, list, nest, writeAttribute } from "../codec/attributes.ts";
import { be32, named, type Codec, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import type { Writer } from "../codec/writer.ts";
import { data, dataValue, padded } from "./data.ts";
import { statefulExpression } from "./expressions/stateful.ts";
import { be32Attr, be64Number, foldExpression, textAttr } from "./fields.ts";
import { objectType } from "./object_type.ts";
import { PackedElements } from "./packed.ts";
import { elementUserdata, setUserdata } from "./userdata.ts";

const headerBytes = 4;
const nestedFlag = 0x8000;
/** NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_DATA, NFTA_DATA_VALUE */
const [keyType, dataType, valueType] = [1, 2, 1];
const dataAttribute = nest(dataType, data);

export const setFlags = flags(be32, {
  anonymous: 0x1,
  constant: 0x2,
  interval: 0x4,
  map: 0x8,
  timeout: 0x10,
  eval: 0x20,
  object: 0x40,
  concat: 0x80,
  expr: 0x100,
});
export type SetFlags = ValueOf<typeof setFlags>;

/** `concat`: the length of each part of an interval key, in bytes, without its padding. */
const description = attributes({
  size: be32Attr(1),
  concat: nest(2, list(1, attributes({ len: be32Attr(1) }))),
});

/** `keyType` and `dataType` are nft's own numbers ({@link datatype}), which the kernel stores for it. */
export const set = foldExpression(
  attributes({
    table: textAttr(1),
    name: textAttr(2),
    flags: attr(3, setFlags),
    keyType: be32Attr(4),
    keyLen: be32Attr(5),
    dataType: be32Attr(6),
    dataLen: be32Attr(7),
    policy: attr(8, named(be32, { performance: 0, memory: 1 })),
    desc: nest(9, description),
    id: be32Attr(10),
    timeoutMs: attr(11, be64Number),
    gcIntervalMs: be32Attr(12),
    userdata: attr(13, setUserdata),
    objectType: attr(15, objectType),
    handle: attr(16, be64Number),
    expression: nest(17, statefulExpression),
    expressions: nest(18, list(1, statefulExpression)),
    backend: textAttr(19),
    count: be32Attr(20),
  }),
);
export type SetBody = ValueOf<typeof set>;

/**
 * An element. Where the set has one-part intervals an element starts one and another, with
 * `intervalEnd`, ends it; in concatenated intervals `keyEnd` is the last key that matches. `data`
 * in maps, `object` in object maps. `expirationMs` is what is left of `timeoutMs`.
 */
const anyElement = foldExpression(
  attributes({
    key: nest(1, dataValue),
    keyEnd: nest(10, dataValue),
    data: nest(2, data),
    flags: attr(3, flags(be32, { intervalEnd: 1, catchall: 2 })),
    timeoutMs: attr(4, be64Number),
    expirationMs: attr(5, be64Number),
    userdata: attr(6, elementUserdata),
    expression: nest(7, statefulExpression),
    object: textAttr(9),
    expressions: nest(11, list(1, statefulExpression)),
  }),
);
export type Element = ValueOf<typeof anyElement>;

/** A full load is nearly all plain elements: they are written straight, in a fraction of a general codec's time. */
export const element: Codec<Element> = {
  shape: anyElement.shape,
  write: (w, v) => {
    if (isPlain(v)) writePlain(w, v);
    else anyElement.write(w, v);
  },
  read: (r) => anyElement.read(r),
};

/** A key, and data where it is a map's. */
type PlainElement = Element & { readonly key: Uint8Array };

function isPlain(element: Element): element is PlainElement {
  for (const name in element) if (name !== "key" && name !== "data") return false;
  return element.key !== undefined;
}

function writePlain(w: Writer, { key, data: given }: PlainElement): void {
  writeValue(w, keyType, key);
  if (given?.value) writeValue(w, dataType, given.value);
  else if (given) writeAttribute(w, dataAttribute, given);
}

/** An attribute that holds NFTA_DATA_VALUE. */
function writeValue(w: Writer, type: number, value: Uint8Array): void {
  w.u16(2 * headerBytes + padded(value.length));
  w.u16(type | nestedFlag);
  w.u16(headerBytes + value.length);
  w.u16(valueType);
  w.bytes(value);
  w.align();
}

const anyElements = list(1, element);

/** Written as they are, or packed; read as they are. */
const elements: Codec<readonly Element[]> = {
  shape: anyElements.shape,
  write: (w, v: readonly Element[] | PackedElements) => {
    if (v instanceof PackedElements) v.write(w);
    else anyElements.write(w, v);
  },
  read: (r) => anyElements.read(r),
};

export const elementList = attributes({
  table: textAttr(1),
  set: textAttr(2),
  setId: be32Attr(4),
  elements: nest(3, elements),
});
