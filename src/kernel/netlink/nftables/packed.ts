/**
 * Elements of one set that are bytes alone, one behind another: a full load has hundreds of thousands of them, and an
 * object with buffers for each would cost more than all the rest of it.
 */
import { nest, writeAttribute } from "../codec/attributes.ts";
import { Writer } from "../codec/writer.ts";
import { data as dataCodec, type Data } from "./data.ts";

const headerBytes = 4;
const nestedFlag = 0x8000;
/** NFTA_LIST_ELEM, NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_DATA, NFTA_DATA_VALUE */
const [listType, keyType, dataType, valueType] = [1, 1, 2, 1];
const dataAttribute = nest(dataType, dataCodec);

/** An element of them, as any other. */
export interface PackedElement {
  readonly key: Uint8Array;
  readonly data?: Data;
}

/** What is the same for all of them. */
export interface PackedLayout {
  /** Of a key, a multiple of 4. */
  readonly keyBytes: number;
  /** Of what a map gives, a multiple of 4; 0: a set's, or {@link shared}. */
  readonly dataBytes: number;
  /** What all of them give: a verdict. */
  readonly shared?: Data;
}

const nothing = Buffer.alloc(0);
const leastBytes = 256;

export class PackedElements implements Iterable<PackedElement> {
  readonly layout: PackedLayout;
  #bytes: Buffer;
  readonly #from: number;
  #end: number;

  constructor(layout: PackedLayout, bytes: Buffer = nothing, from = 0, end = 0) {
    this.layout = layout;
    this.#bytes = bytes;
    this.#from = from;
    this.#end = end;
  }

  get #elementBytes(): number {
    return this.layout.keyBytes + this.layout.dataBytes;
  }

  get length(): number {
    return (this.#end - this.#from) / this.#elementBytes;
  }

  /**
   * Adds an element: its key, then what it gives, one character a byte.
   *
   * @param row text that has what it gives from `at` on
   */
  add(key: string, suffix: string, row: string, at: number): void {
    const { keyBytes, dataBytes } = this.layout;
    if (key.length + suffix.length !== keyBytes || at + dataBytes > row.length) {
      throw new TypeError(`an element of ${keyBytes} and ${dataBytes} bytes was told otherwise`);
    }
    this.#reserve(keyBytes + dataBytes);
    this.#put(key, 0, key.length);
    this.#put(suffix, 0, suffix.length);
    this.#put(row, at, dataBytes);
  }

  #put(text: string, from: number, count: number): void {
    const bytes = this.#bytes;
    let end = this.#end;
    for (let i = from; i < from + count; i++) bytes[end++] = text.charCodeAt(i);
    this.#end = end;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(leastBytes, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }

  /** Runs, in order, each of which takes no more than so many bytes of a message. */
  runs(maxBytes: number): readonly PackedElements[] {
    const { keyBytes, dataBytes, shared } = this.layout;
    const takes = 3 * headerBytes + keyBytes + (dataBytes > 0 ? 2 * headerBytes + dataBytes : encoded(shared).length);
    const step = Math.floor(maxBytes / takes) * this.#elementBytes;
    const runs: PackedElements[] = [];
    for (let from = this.#from; from < this.#end; from += step) {
      runs.push(new PackedElements(this.layout, this.#bytes, from, Math.min(this.#end, from + step)));
    }
    return runs;
  }

  /** As attributes of a list. */
  write(w: Writer): void {
    const { keyBytes, dataBytes, shared } = this.layout;
    const given = encoded(shared);
    const valueBytes = dataBytes > 0 ? 2 * headerBytes + dataBytes : 0;
    const takes = 3 * headerBytes + keyBytes + valueBytes + given.length;
    for (let at = this.#from; at < this.#end; at += keyBytes + dataBytes) {
      w.u16(takes);
      w.u16(listType | nestedFlag);
      this.#writeValue(w, keyType, at, keyBytes);
      if (valueBytes > 0) this.#writeValue(w, dataType, at + keyBytes, dataBytes);
      w.bytes(given);
    }
  }

  /** An attribute that holds NFTA_DATA_VALUE. */
  #writeValue(w: Writer, type: number, at: number, length: number): void {
    w.u16(2 * headerBytes + length);
    w.u16(type | nestedFlag);
    w.u16(headerBytes + length);
    w.u16(valueType);
    w.copy(this.#bytes, at, length);
  }

  *[Symbol.iterator](): Iterator<PackedElement> {
    const { keyBytes, dataBytes, shared } = this.layout;
    for (let at = this.#from; at < this.#end; at += keyBytes + dataBytes) {
      const key = this.#bytes.subarray(at, at + keyBytes);
      const value = this.#bytes.subarray(at + keyBytes, at + keyBytes + dataBytes);
      const given = dataBytes > 0 ? { value } : shared;
      yield given === undefined ? { key } : { key, data: given };
    }
  }
}

/** NFTA_SET_ELEM_DATA; nothing of nothing. */
function encoded(shared: Data | undefined): Uint8Array {
  const w = new Writer(64);
  if (shared !== undefined) writeAttribute(w, dataAttribute, shared);
  return w.view();
}
