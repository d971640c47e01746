/**
 * Messages of the API, read to the object that JSON would have given: the types of the models say
 * what a field holds (schema.ts), the tables say its number (field_numbers.ts).
 */
import { model, type Field, type FieldType } from "../schema/schema.ts";
import { numberedFields, type NumberedField } from "./field_numbers.ts";
import * as values from "./values.ts";
import type { ValueReader } from "./values.ts";
import { delimited, eachField, expectType, WireError, WireReader } from "./wire.ts";

type JsonObject = Record<string, unknown>;

/** Messages within messages: protobuf's own default. */
const maxDepth = 100;

interface FieldPlan {
  readonly name: string;
  readonly shape: "one" | "list" | "map" | "embedded";
  readonly value: ValueReader;
  /** A zero says nothing that its absence does not. */
  readonly dropsZero: boolean;
}

type MessagePlan = ReadonlyMap<number, FieldPlan>;

/** Reads a message of a model. @throws WireError */
export function readMessage(modelName: string, reader: WireReader, depth = 0, into: JsonObject = {}): JsonObject {
  return readFields(planOf(modelName), reader, depth, into);
}

function readFields(plan: MessagePlan, reader: WireReader, depth: number, into: JsonObject): JsonObject {
  if (depth > maxDepth) throw new WireError(`messages are nested more than ${maxDepth} deep`);
  eachField(reader, (number, wireType) => {
    const field = plan.get(number);
    if (field) readers[field.shape](field, reader, wireType, depth, into);
    return field !== undefined;
  });
  return into;
}

type ShapeReader = (field: FieldPlan, reader: WireReader, wireType: number, depth: number, into: JsonObject) => void;

const readers: Readonly<Record<FieldPlan["shape"], ShapeReader>> = {
  one(field, reader, wireType, depth, into) {
    const value = readValue(field, reader, wireType, depth, into[field.name]);
    if (value === undefined || (field.dropsZero && isZero(value))) delete into[field.name];
    else into[field.name] = value;
  },
  list(field, reader, wireType, depth, into) {
    const list = (into[field.name] ??= []) as unknown[];
    if (wireType === delimited && field.value.wireType !== delimited) {
      const packed = reader.content();
      while (!packed.done) list.push(field.value.read(packed, depth, undefined));
    } else list.push(readValue(field, reader, wireType, depth, undefined) ?? null);
  },
  map(field, reader, wireType, depth, into) {
    expectType(wireType, delimited, field.name);
    readEntry(field, reader.content(), depth, (into[field.name] ??= {}) as JsonObject);
  },
  embedded(field, reader, wireType, depth, into) {
    readValue(field, reader, wireType, depth, into);
  },
};

function readValue(field: FieldPlan, reader: WireReader, wireType: number, depth: number, previous: unknown): unknown {
  expectType(wireType, field.value.wireType, field.name);
  return field.value.read(wireType === delimited ? reader.content() : reader, depth + 1, previous);
}

const noBytes = Buffer.alloc(0);
/** As JSON.parse makes a property, whatever its name. */
const ownProperty = { writable: true, enumerable: true, configurable: true };

/** A map is a list of messages {key = 1, value = 2}. */
function readEntry(field: FieldPlan, entry: WireReader, depth: number, into: JsonObject): void {
  let key = "";
  let value: unknown;
  eachField(entry, (number, wireType) => {
    if (number > 2) return false;
    if (number === 1) {
      expectType(wireType, delimited, field.name);
      key = entry.content().text();
    } else value = readValue(field, entry, wireType, depth, value);
    return true;
  });
  value ??= field.value.read(new WireReader(noBytes), depth, undefined) ?? null;
  if (key === "__proto__") Object.defineProperty(into, key, { ...ownProperty, value });
  else into[key] = value;
}

function isZero(value: unknown): boolean {
  return value === "" || value === 0 || value === false;
}

const plans = new Map<string, MessagePlan>();

function planOf(modelName: string): MessagePlan {
  let plan = plans.get(modelName);
  if (!plan) plans.set(modelName, (plan = makePlan(modelName, model(modelName).fields)));
  return plan;
}

function makePlan(numbersOf: string, fields: ReadonlyMap<string, Field>): MessagePlan {
  return new Map(numberedFields(numbersOf).map((numbered) => [numbered.number, planField(numbered, fields)]));
}

function planField(numbered: NumberedField, fields: ReadonlyMap<string, Field>): FieldPlan {
  const { name, keepsZero, form } = numbered;
  if (numbered.embedded) return { name, shape: "embedded", value: embedded(name, fields), dropsZero: false };
  const field = fields.get(name);
  if (!field) throw new Error(`the tables number a field ${name} that its model does not have`);
  const { type } = field;
  const single = type.type === "array" ? type.items : type.type === "map" ? type.values : type;
  return {
    name,
    shape: type.type === "array" ? "list" : type.type === "map" ? "map" : "one",
    value: form === undefined ? valueOf(single) : formOf(form),
    dropsZero: !field.required && !keepsZero && dropping.includes(type.type),
  };
}

/** The types that Go leaves out of JSON where they are zero; zero quantities and ports it shows. */
const dropping: readonly FieldType["type"][] = ["string", "boolean", "bytes", "integer", "number"];

/** The fields of a struct that Go embeds go to the object around it. */
function embedded(part: string, fields: ReadonlyMap<string, Field>): ValueReader {
  const plan = makePlan(part, fields);
  return message((reader, depth, parent) => readFields(plan, reader, depth, parent as JsonObject));
}

function message(read: ValueReader["read"]): ValueReader {
  return { wireType: delimited, read };
}

function valueOf(type: FieldType): ValueReader {
  switch (type.type) {
    case "string":
      return values.text;
    case "integer":
      return type.bits === 32 ? values.int32 : values.int64;
    case "number":
      return values.double;
    case "any":
      return values.rawJson;
    case "object":
      return object(type.model);
    case "array":
      return wrappedList(type.items);
    case "map":
      throw new Error("protobuf has no map of maps");
    default:
      return values[type.type];
  }
}

function object(modelName: string): ValueReader {
  return message((reader, depth, previous) =>
    readMessage(modelName, reader, depth, previous as JsonObject | undefined),
  );
}

/** A map's value that is a list is a message {items = 1} (ExtraValue). */
function wrappedList(items: FieldType): ValueReader {
  const plan: MessagePlan = new Map([
    [1, { name: "items", shape: "list", value: valueOf(items), dropsZero: false } satisfies FieldPlan],
  ]);
  return message((reader, depth) => readFields(plan, reader, depth, {})["items"] ?? []);
}

/** Forms that the models' types do not tell. */
function formOf(form: string): ValueReader {
  if (form === "quantity") return values.quantity;
  if (form === "empty") return values.empty;
  return unionOf(form);
}

const schemaType: FieldType = { type: "object", model: "V1JSONSchemaProps" };

/** What the unions of JSON schemas can hold (k8s.io/apiextensions-apiserver, marshal.go). */
const unionFields: ReadonlyMap<string, Field> = new Map<string, Field>([
  ["schema", { type: schemaType, required: false }],
  ["jSONSchemas", { type: { type: "array", items: schemaType }, required: false }],
  ["allows", { type: { type: "boolean" }, required: true }],
  ["property", { type: { type: "array", items: { type: "string" } }, required: false }],
]);

/** A union shows the one member that is set; lists go before the schema, the schema before the boolean. */
function unionOf(name: string): ValueReader {
  const plan = makePlan(name, unionFields);
  const other = name === "JSONSchemaPropsOrBool" ? false : null;
  return message((reader, depth) => {
    const { jSONSchemas, property, schema, allows } = readFields(plan, reader, depth, {});
    return jSONSchemas ?? property ?? schema ?? allows ?? other;
  });
}
