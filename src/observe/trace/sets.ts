/** Look-ups in sets as they are programmed, and keys and data as a person reads them. */
import { FairleadError } from "../../errors/catalogue.ts";
import { padded, verdictType, type Data } from "../../kernel/netlink/nftables/data.ts";
import type { NftElement, NftSetState, NftTable } from "../../kernel/netlink/nftables/state.ts";
import { ipText } from "../../model/address.ts";

/** A table with its sets' elements by key. Made once for each trace. */
export class Sets {
  readonly #sets: ReadonlyMap<string, NftSetState>;
  readonly #elements = new Map<string, ReadonlyMap<string, NftElement>>();

  constructor({ sets }: Pick<NftTable, "sets">) {
    this.#sets = new Map(sets.map((set) => [set.name, set]));
  }

  get(name: string): NftSetState {
    const set = this.#sets.get(name);
    if (!set) throw new FairleadError("TRACE", { subject: `set ${name}`, reason: "the table has no such set" });
    return set;
  }

  find(set: NftSetState, key: Uint8Array): NftElement | undefined {
    if (set.flags?.includes("interval")) return findRange(set, key);
    let elements = this.#elements.get(set.name);
    if (!elements) {
      elements = new Map(set.elements.map((element) => [hex(element.key ?? new Uint8Array()), element]));
      this.#elements.set(set.name, elements);
    }
    return elements.get(hex(key));
  }
}

/** Each part of a concatenated key lies between its first and its last (net/netfilter/nft_set_pipapo.c). */
function findRange({ name, fieldLens, elements }: NftSetState, key: Uint8Array): NftElement | undefined {
  if (!fieldLens) throw new FairleadError("TRACE", { subject: `set ${name}`, reason: "intervals of one part" });
  return elements.find(({ key: first, keyEnd: last = first }) => {
    let at = 0;
    return fieldLens.every((bytes) => {
      const part = [key, first, last].map((whole) => hex(whole!.subarray(at, at + bytes)));
      at += padded(bytes);
      return part[0]! >= part[1]! && part[0]! <= part[2]!;
    });
  });
}

export function keyText({ keyType }: Pick<NftSetState, "keyType">, key: Uint8Array): string {
  return partsText(keyType, key);
}

export function dataText({ dataType }: Pick<NftSetState, "dataType">, data: Data | undefined): string {
  if (data?.verdict) return [data.verdict.code, data.verdict.chain].filter((word) => word !== undefined).join(" ");
  if (!data?.value) return "there";
  return dataType === undefined || dataType === verdictType ? hex(data.value) : partsText(dataType, data.value);
}

const typeBits = 6;
const protocols: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" };

/** nft's numbers of data types (include/datatype.h), six bits each, and how their bytes read. */
const texts: Readonly<Record<number, { readonly bytes: number; readonly text: (raw: Uint8Array) => string }>> = {
  7: { bytes: 4, text: (raw) => ipText(raw) ?? hex(raw) },
  8: { bytes: 16, text: (raw) => ipText(raw) ?? hex(raw) },
  12: { bytes: 1, text: ([number = 0]) => protocols[number] ?? String(number) },
  13: { bytes: 2, text: ([high = 0, low = 0]) => String(high * 256 + low) },
  // Indexes and numbers of backends, in the host's order.
  19: { bytes: 4, text: (raw) => String(Buffer.from(raw).readUInt32LE()) },
};

function partsText(type: number, raw: Uint8Array): string {
  const kinds = [];
  for (let rest = type; rest > 0; rest = Math.floor(rest / 2 ** typeBits)) kinds.unshift(texts[rest % 2 ** typeBits]);
  let at = 0;
  const parts = kinds.map((kind) => {
    if (!kind || at + kind.bytes > raw.length) return undefined;
    const text = kind.text(raw.subarray(at, at + kind.bytes));
    at += kinds.length === 1 ? kind.bytes : padded(kind.bytes);
    return text;
  });
  return parts.includes(undefined) ? hex(raw) : parts.join(" ");
}

function hex(raw: Uint8Array): string {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("hex");
}
