/** How the single values of the API are written on the wire, each read to what JSON has for it. */
import { delimited, eachField, expectType, fixed64, varint, WireError, type WireReader } from "./wire.ts";

/** Reads one value. The reader of a length-delimited one holds just its content. */
export interface ValueReader {
  readonly wireType: number;
  /**
   * @param previous what this field already had: messages merge
   * @returns undefined for a value that JSON leaves out or shows as null
   */
  read(reader: WireReader, depth: number, previous: unknown): unknown;
}

export const text: ValueReader = { wireType: delimited, read: (reader) => reader.text() };
export const bytes: ValueReader = { wireType: delimited, read: (reader) => reader.bytes().toString("base64") };
export const boolean: ValueReader = { wireType: varint, read: (reader) => reader.bool() };
export const int32: ValueReader = { wireType: varint, read: (reader) => reader.int32() };
export const int64: ValueReader = { wireType: varint, read: (reader) => reader.int64() };
export const double: ValueReader = { wireType: fixed64, read: readDouble };
export const time: ValueReader = { wireType: delimited, read: readTime };
export const microTime: ValueReader = { wireType: delimited, read: readMicroTime };
export const quantity: ValueReader = { wireType: delimited, read: readQuantity };
export const intOrString: ValueReader = { wireType: delimited, read: readIntOrString };
export const rawJson: ValueReader = { wireType: delimited, read: readRawJson };
/** A message without fields, whatever it may get in later versions. */
export const empty: ValueReader = { wireType: delimited, read: () => ({}) };

function readDouble(reader: WireReader): number {
  const value = reader.double();
  if (!Number.isFinite(value)) throw new WireError("a number is not finite");
  return value;
}

/** metav1.Timestamp {seconds = 1, nanos = 2}; without bytes it is Go's zero time. */
function timestamp(reader: WireReader): { seconds: number; nanos: number } | undefined {
  let seconds = reader.done ? zeroTimeSeconds : 0;
  let nanos = 0;
  eachField(reader, (number, wireType) => {
    if (number > 2) return false;
    expectType(wireType, varint, number === 1 ? "Seconds" : "Nanos");
    if (number === 1) seconds = reader.int64();
    else nanos = reader.int32();
    return true;
  });
  if (seconds === zeroTimeSeconds && nanos === 0) return undefined;
  const inRange = seconds >= yearZeroSeconds && seconds < yearTenThousandSeconds && nanos >= 0 && nanos < 1e9;
  if (!inRange) throw new WireError("a time is out of range");
  return { seconds, nanos };
}

/** 0001-01-01T00:00:00Z: what Go takes as no time. */
const zeroTimeSeconds = -62_135_596_800;
/** RFC 3339 has years of four digits. */
const yearZeroSeconds = -62_167_219_200;
const yearTenThousandSeconds = 253_402_300_800;

/** metav1.Time keeps seconds alone. */
function readTime(reader: WireReader): string | undefined {
  const stamp = timestamp(reader);
  return stamp && `${dateAndTime(stamp.seconds)}Z`;
}

/** metav1.MicroTime always shows six digits. */
function readMicroTime(reader: WireReader): string | undefined {
  const stamp = timestamp(reader);
  if (!stamp) return undefined;
  const micros = Math.floor(stamp.nanos / 1000);
  return `${dateAndTime(stamp.seconds)}.${String(micros).padStart(6, "0")}Z`;
}

/** "2006-01-02T15:04:05" */
function dateAndTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

/** resource.Quantity {string = 1}; none is zero. */
function readQuantity(reader: WireReader): string {
  let value = "";
  eachField(reader, (number, wireType) => {
    if (number !== 1) return false;
    expectType(wireType, delimited, "String");
    value = reader.content().text();
    return true;
  });
  return value === "" ? "0" : value;
}

/** intstr.IntOrString {type = 1, intVal = 2, strVal = 3}; type 1 is a string. */
function readIntOrString(reader: WireReader): number | string {
  let [type, number, string] = [0, 0, ""];
  eachField(reader, (field, wireType) => {
    if (field > 3) return false;
    expectType(wireType, field === 3 ? delimited : varint, "IntOrString");
    if (field === 1) type = reader.int32();
    else if (field === 2) number = reader.int32();
    else string = reader.content().text();
    return true;
  });
  if (type !== 0 && type !== 1) throw new WireError(`impossible IntOrString.Type ${type}`);
  return type === 1 ? string : number;
}

/** runtime.RawExtension, metav1.FieldsV1 and apiextensions' JSON are all {raw = 1}, which holds JSON. */
function readRawJson(reader: WireReader): unknown {
  let raw = "";
  eachField(reader, (number, wireType) => {
    if (number !== 1) return false;
    expectType(wireType, delimited, "Raw");
    raw = reader.content().text();
    return true;
  });
  return raw === "" ? undefined : parse(raw);
}

function parse(raw: string): unknown {
  try {
    return JSON.parse(raw) as unknown;
  } catch (cause) {
    throw new WireError(`an embedded object is not JSON: ${(cause as Error).message}`);
  }
}
