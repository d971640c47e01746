/**
 * Some fields of a JSON text, read from its bytes: what else there is (of an object of the API that is most of it) is
 * stepped over, and nothing is made of it.
 */

/** Names of fields, each with those that are wanted of it; true, and what a line says of it: all. Of an array they are its items'. */
export interface FieldNames {
  readonly [name: string]: FieldNames | JsonFields | LineUse | true;
}

/** What a line of words says of a field (line_form.ts). */
export class LineUse {
  /** As the add-on takes it (native.ts, pickJsonList). */
  readonly text: string;
  /** Of an array of objects: their fields. */
  readonly fields: FieldNames | undefined;

  constructor(text: string, fields?: FieldNames) {
    this.text = text;
    this.fields = fields;
  }
}

interface Known {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly fields: JsonFields | undefined;
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];

const [trueBytes, falseBytes] = [Buffer.from("true"), Buffer.from("false")];

/** Fields of objects of one kind. Names are ASCII. */
export class JsonFields {
  /** By the length of the name, which tells most of them apart. */
  readonly #byLength: (Known[] | undefined)[] = [];
  readonly #names: FieldNames;
  /** Gives what takes an object's place as soon as that is read. */
  readonly make: ((object: object) => unknown) | undefined;
  /** The same, of an object's line. */
  readonly makeOfLine: ((line: string) => unknown) | undefined;

  constructor(names: FieldNames, make?: (object: object) => unknown, makeOfLine?: (line: string) => unknown) {
    this.#names = names;
    this.make = make;
    this.makeOfLine = makeOfLine;
    for (const [name, of] of Object.entries(names)) {
      const bytes = Buffer.from(name);
      (this.#byLength[bytes.length] ??= []).push({ name, bytes, fields: fieldsWithin(of) });
    }
  }

  /** The same fields; what `make` gives takes each object's place, which need not live until all of them are read. */
  making(make: (object: object) => unknown, makeOfLine?: (line: string) => unknown): JsonFields {
    return new JsonFields(this.#names, make, makeOfLine);
  }

  /**
   * Paths of all of them: names, each within the one before, with newlines between (PickList).
   *
   * @param withLines behind a tab, what a line says of each
   */
  paths(withLines = false): readonly string[] {
    return Object.entries(this.#names).flatMap(([name, of]) => {
      const said = withLines && of instanceof LineUse ? [`${name}\t${of.text}`] : [];
      const within = fieldsWithin(of)
        ?.paths(withLines)
        .map((path) => `${name}\n${path}`);
      return [...said, ...(within ?? (said.length > 0 ? [] : [name]))];
    });
  }

  /**
   * What JSON.parse would give, without the other fields of objects. What is no object or array is there whole,
   * whatever fields are wanted of it.
   *
   * @throws SyntaxError where it is no JSON; in what is stepped over not every mistake is found
   */
  read(bytes: Buffer): unknown {
    const reader = new JsonReader(bytes);
    const value = reader.value(this);
    reader.end();
    return value;
  }

  find(bytes: Uint8Array, from: number, end: number): Known | undefined {
    const candidates = this.#byLength[end - from];
    if (candidates === undefined) return undefined;
    for (const known of candidates) if (isAlike(known.bytes, bytes, from)) return known;
    return undefined;
  }
}

function fieldsWithin(of: FieldNames[string]): JsonFields | undefined {
  if (of === true || of instanceof JsonFields) return of === true ? undefined : of;
  if (!(of instanceof LineUse)) return new JsonFields(of);
  return of.fields && new JsonFields(of.fields);
}

function isAlike(name: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false;
  return true;
}

/** Texts that come again and again, by where their hash leads: each is made once. */
const slots = 1024;
const longestShared = 32;

class JsonReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @param fields undefined: all */
  value(fields: JsonFields | undefined): unknown {
    const first = this.#token();
    if (first === quote) return this.#text();
    if (first === openArray) return this.#array(fields);
    if (first === openObject && fields !== undefined) return this.#object(fields);
    if (first === openObject) return JSON.parse(this.#skipped());
    return this.#literal();
  }

  end(): void {
    if (!Number.isNaN(this.#token())) this.#fail();
  }

  #object(fields: JsonFields): unknown {
    const object: Record<string, unknown> = {};
    this.#at++;
    if (this.#token() === closeObject) return this.#past(fields.make === undefined ? object : fields.make(object));
    for (;;) {
      const known = this.#name(fields);
      if (this.#token() !== colon) this.#fail();
      this.#at++;
      if (known === undefined) this.#skip();
      else object[known.name] = this.value(known.fields);
      const next = this.#token();
      if (next === closeObject) return this.#past(fields.make === undefined ? object : fields.make(object));
      if (next !== comma) this.#fail();
      this.#at++;
    }
  }

  #array(fields: JsonFields | undefined): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    if (this.#token() === closeArray) return this.#past(items);
    for (;;) {
      items.push(this.value(fields));
      const next = this.#token();
      if (next === closeArray) return this.#past(items);
      if (next !== comma) this.#fail();
      this.#at++;
    }
  }

  #past<T>(value: T): T {
    this.#at++;
    return value;
  }

  /** Reads a field's name. @returns undefined where it is not wanted */
  #name(fields: JsonFields): Known | undefined {
    if (this.#token() !== quote) this.#fail();
    const from = this.#at;
    const isPlain = this.#skipText();
    if (isPlain) return fields.find(this.#bytes, from + 1, this.#at - 1);
    const name = Buffer.from(JSON.parse(this.#bytes.toString("utf8", from, this.#at)) as string);
    return fields.find(name, 0, name.length);
  }

  #text(): string {
    const from = this.#at + 1;
    const bytes = this.#bytes;
    let hash = 0;
    let bits = 0;
    let at = from;
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === quote) break;
      if (byte === backslash) return this.#escapedText();
      bits |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (at === bytes.length) this.#fail();
    this.#at = at + 1;
    if (bits > 0x7f) return bytes.toString("utf8", from, at);
    if (at - from > longestShared) return bytes.toString("latin1", from, at);
    return sharedText(bytes, from, at, hash);
  }

  #escapedText(): string {
    const from = this.#at;
    this.#skipText();
    return JSON.parse(this.#bytes.toString("utf8", from, this.#at)) as string;
  }

  /** @returns whether there is no escape in it */
  #skipText(): boolean {
    const bytes = this.#bytes;
    const end = bytes.length;
    let isPlain = true;
    for (let at = this.#at + 1; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === quote) {
        this.#at = at + 1;
        return isPlain;
      }
      if (byte === backslash) {
        isPlain = false;
        at++;
      }
    }
    return this.#fail();
  }

  /** A number, true, false or null. */
  #literal(): unknown {
    const bytes = this.#bytes;
    const from = this.#at;
    let number = 0;
    for (let at = from; at < from + 16; at++) {
      const digit = (at < bytes.length ? bytes[at]! : comma) - 0x30;
      if (digit >= 0 && digit <= 9) number = number * 10 + digit;
      else if (at > from && (digit === comma - 0x30 || digit === closeObject - 0x30)) {
        // Nearly all numbers are whole; one that begins with 0 is 0 itself, or none.
        if (bytes[from] === 0x30 && at > from + 1) break;
        this.#at = at;
        return number;
      } else break;
    }
    if (this.#is(trueBytes)) return true;
    if (this.#is(falseBytes)) return false;
    return JSON.parse(this.#skipped());
  }

  /** Whether this literal stands here; then it is stepped over. */
  #is(literal: Uint8Array): boolean {
    const end = this.#at + literal.length;
    if (!isAlike(literal, this.#bytes, this.#at) || isOfLiteral(this.#bytes[end])) return false;
    this.#at = end;
    return true;
  }

  /** Steps over a value. @returns it */
  #skipped(): string {
    const from = this.#at;
    this.#skip();
    return this.#bytes.toString("utf8", from, this.#at);
  }

  /** Steps over a value. */
  #skip(): void {
    const first = this.#token();
    if (first === quote) return void this.#skipText();
    if (first === openObject || first === openArray) return this.#skipNested();
    const from = this.#at;
    while (isOfLiteral(this.#bytes[this.#at])) this.#at++;
    if (this.#at === from) this.#fail();
  }

  #skipNested(): void {
    const bytes = this.#bytes;
    const end = bytes.length;
    let depth = 0;
    for (let at = this.#at; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === quote) {
        at++;
        while (at < end && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
      } else if (byte === openObject || byte === openArray) depth++;
      else if ((byte === closeObject || byte === closeArray) && --depth === 0) {
        this.#at = at + 1;
        return;
      }
    }
    this.#fail();
  }

  /** The next byte that is no white space; NaN at the end. */
  #token(): number {
    const bytes = this.#bytes;
    for (let at = this.#at; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.#at = at;
        return byte;
      }
    }
    this.#at = bytes.length;
    return NaN;
  }

  #fail(): never {
    throw new SyntaxError(`no JSON at byte ${this.#at}`);
  }
}

/** Of numbers, true, false and null: + - . 0-9 A-Z a-z */
function isOfLiteral(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 0x2b && byte <= 0x39 && byte !== comma && byte !== 0x2f) ||
    (byte >= 0x41 && byte <= 0x7a && byte !== openArray && byte !== closeArray)
  );
}

const shared: (string | undefined)[] = new Array<undefined>(slots).fill(undefined);

function sharedText(bytes: Buffer, from: number, end: number, hash: number): string {
  const slot = (hash ^ (hash >>> 10)) & (slots - 1);
  const known = shared[slot];
  if (known !== undefined && known.length === end - from && isText(known, bytes, from)) return known;
  return (shared[slot] = bytes.toString("latin1", from, end));
}

function isText(text: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
