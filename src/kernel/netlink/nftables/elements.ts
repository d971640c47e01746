/** Splits element lists: NFTA_SET_ELEM_LIST_ELEMENTS is one attribute, which holds less than 64 KiB. */
import { PackedElements } from "./packed.ts";
import type { NftElement, NftElements } from "./state.ts";

/** An attribute's length is 16 bits and counts its own header. */
const maxBytes = 0xffff - 4;
const headerBytes = 4;
/** More than a stateful expression takes: name and nested data with a handful of numbers. */
const expressionBytes = 128;

/** Runs of elements, in order, each of which fits one message. An empty list is no run. */
export function splitElements(elements: NftElements): readonly NftElements[] {
  if (elements instanceof PackedElements) return elements.runs(maxBytes);
  const runs: (readonly NftElement[])[] = [];
  let from = 0;
  let total = 0;
  for (let i = 0; i < elements.length; i++) {
    const size = elementBytes(elements[i]!);
    if (total + size > maxBytes && i > from) {
      runs.push(elements.slice(from, i));
      from = i;
      total = 0;
    }
    total += size;
  }
  if (from < elements.length) runs.push(from === 0 ? elements : elements.slice(from));
  return runs;
}

/** Bytes that an element takes at most: a bound, so that no element is encoded to be measured. */
export function elementBytes(element: NftElement): number {
  let size = headerBytes;
  if (element.key) size += 2 * headerBytes + padded(element.key.length);
  if (element.keyEnd) size += 2 * headerBytes + padded(element.keyEnd.length);
  if (element.data) size += dataBytes(element.data);
  if (element.flags) size += 8;
  if (element.timeoutMs !== undefined) size += 12;
  if (element.expirationMs !== undefined) size += 12;
  if (element.object !== undefined) size += headerBytes + textBytes(element.object);
  if (element.userdata) size += userdataBytes(element.userdata);
  if (element.expressions) size += headerBytes;
  for (const one of element.expressions ?? []) {
    size += expressionBytes + ("data" in one && one.data ? one.data.length : 0);
  }
  return size;
}

function dataBytes({ value, verdict }: NonNullable<NftElement["data"]>): number {
  let size = headerBytes;
  if (value) size += headerBytes + padded(value.length);
  if (verdict) size += headerBytes + 16 + headerBytes + textBytes(verdict.chain ?? "");
  return size;
}

function userdataBytes({ comment, raw }: NonNullable<NftElement["userdata"]>): number {
  return headerBytes + (raw ? padded(raw.length) : 12 + textBytes(comment ?? ""));
}

function textBytes(text: string): number {
  return padded(Buffer.byteLength(text) + 1);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
