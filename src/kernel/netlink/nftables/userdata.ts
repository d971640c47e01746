/**
 * Userdata: bytes that the kernel keeps for userspace and never reads. nft and libnftnl write them as
 * type (u8), length (u8), value, without padding; whatever does not read so is kept as it is.
 */
import { attr, type Attribute } from "../codec/attributes.ts";
import { cstring, bytes, named, u32, type AnyCodec, type Codec, type ValueOf } from "../codec/codec.ts";
import type { Reader } from "../codec/reader.ts";
import { EncodeFailure } from "../codec/writer.ts";

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- codecs are invariant: no other type holds all of them
type AnyEntry = Attribute<any>;
/** Where each entry goes: its type and the codec of its value. */
type Entries = Readonly<Record<string, AnyEntry>>;
type EntriesValue<S> = { -readonly [K in keyof S]?: S[K] extends Attribute<infer T> ? T : never } & {
  /** Everything, where some of it is not what nft documents. */
  raw?: Uint8Array;
};

const maxEntryBytes = 0xff;

export function userdata<const S extends Entries>(spec: S): Codec<EntriesValue<S>> {
  const entries = Object.entries(spec);
  const byType = new Map(entries.map(([name, entry]) => [entry.type, { name, codec: entry.codec as AnyCodec }]));
  return {
    shape: {
      type: "record",
      optional: true,
      fields: Object.fromEntries(entries.map(([name, entry]) => [name, entry.codec.shape])),
    },
    write(w, v) {
      if (v.raw) return w.bytes(v.raw);
      for (const [name, entry] of entries) {
        const value = (v as Record<string, unknown>)[name];
        if (value === undefined) continue;
        const start = w.length;
        w.u16(0);
        entry.codec.write(w, value);
        const length = w.length - start - 2;
        if (length > maxEntryBytes) throw new EncodeFailure(`${name} has ${length} bytes where ${maxEntryBytes} fit`);
        w.patch16(start, entry.type | (length << 8));
      }
    },
    read(r) {
      const start = r.position;
      const value = readEntries(r, byType);
      if (value) return value as EntriesValue<S>;
      r.position = start;
      const raw: { raw: Uint8Array } = { raw: r.bytes(r.remaining) };
      return raw as EntriesValue<S>;
    },
  };
}

type ByType = ReadonlyMap<number, { readonly name: string; readonly codec: AnyCodec }>;

/** The entries, or undefined where one is unknown, stands twice or does not fit. */
function readEntries(r: Reader, byType: ByType): Record<string, unknown> | undefined {
  const value: Record<string, unknown> = {};
  while (r.remaining >= 2) {
    const type = r.u8();
    const length = r.u8();
    const entry = byType.get(type);
    if (!entry || entry.name in value || length > r.remaining) return undefined;
    if (isNumber(entry.codec) && length !== 4) return undefined;
    value[entry.name] = r.within(length, () => entry.codec.read(r) as unknown);
  }
  return r.remaining === 0 ? value : undefined;
}

function isNumber(codec: AnyCodec): boolean {
  return codec.shape.type === "uint" || codec.shape.type === "enum";
}

const comment = attr(0, cstring());
const byteOrder = named(u32, { invalid: 0, host: 1, big: 2 });

/** Tables, chains and objects (NFTNL_UDATA_TABLE_COMMENT and its like). */
export const commentUserdata = userdata({ comment });
export const ruleUserdata = userdata({ comment, ebtablesPolicy: attr(1, u32) });
/** How nft prints keys and data, and what they were declared with (`typeof`). */
export const setUserdata = userdata({
  keyByteOrder: attr(0, byteOrder),
  dataByteOrder: attr(1, byteOrder),
  mergeElements: attr(2, u32),
  keyTypeof: attr(3, bytes()),
  dataTypeof: attr(4, bytes()),
  expression: attr(5, bytes()),
  dataInterval: attr(6, u32),
  comment: attr(7, cstring()),
});
export const elementUserdata = userdata({ comment, flags: attr(1, u32) });

export type CommentUserdata = ValueOf<typeof commentUserdata>;
export type RuleUserdata = ValueOf<typeof ruleUserdata>;
export type SetUserdata = ValueOf<typeof setUserdata>;
export type ElementUserdata = ValueOf<typeof elementUserdata>;
