/**
 * A value against a schema (OpenAPI v3 as Kubernetes has it), in the words of upstream's validator
 * (kube-openapi/pkg/validation, apiextensions-apiserver/pkg/apiserver/validation). Values that an
 * update leaves as they were are not judged again (KEP-4008, ratcheting).
 */
import { isDeepStrictEqual } from "node:util";
import type { Cause } from "../../status.ts";
import { isRecord, schemaOfField, type Schema } from "./compile.ts";
import { correlated } from "./correlate.ts";
import { hasFormat } from "./formats.ts";
import { patternOf } from "./patterns.ts";

/** Causes at the most: a large object that is wrong everywhere is told about its beginning. */
const maxCauses = 100;

/** @param old the value before, undefined for a create */
export function validateValue(value: unknown, schema: Schema, old: unknown, path = ""): Cause[] {
  const causes: Cause[] = [];
  new Walk(causes).value(value, schema, old, path);
  return causes;
}

class Walk {
  readonly #causes: Cause[];

  constructor(causes: Cause[]) {
    this.#causes = causes;
  }

  value(value: unknown, schema: Schema, old: unknown, path: string): void {
    if (this.#causes.length >= maxCauses) return;
    if (old !== undefined && isDeepStrictEqual(value, old)) return;
    if (value === null && schema.nullable) return;
    if (!this.#hasType(value, schema, path)) return;
    this.#enum(value, schema, path);
    if (typeof value === "string") this.#string(value, schema, path);
    else if (typeof value === "number") this.#number(value, schema, path);
    else if (Array.isArray(value)) this.#list(value, schema, old, path);
    else if (isRecord(value)) this.#object(value, schema, old, path);
    this.#junctors(value, schema, path);
  }

  #hasType(value: unknown, schema: Schema, path: string): boolean {
    const { type, isIntOrString } = schema;
    const actual = typeName(value);
    if (isIntOrString) {
      if (actual === "integer" || actual === "string") return true;
      this.#typeInvalid(path, actual, `${path} in body must be of type integer,string: "${actual}"`);
      return false;
    }
    if (type === undefined || type === "" || type === actual || (type === "number" && actual === "integer"))
      return true;
    this.#typeInvalid(path, actual, `${path} in body must be of type ${type}: "${actual}"`);
    return false;
  }

  #enum(value: unknown, { raw }: Schema, path: string): void {
    if (raw.enum === undefined || raw.enum.some((one) => isDeepStrictEqual(one, value))) return;
    const supported = raw.enum.map((one) => JSON.stringify(typeof one === "string" ? one : JSON.stringify(one)));
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.join(", ")}`;
    this.#add("FieldValueNotSupported", message, path);
  }

  #string(value: string, { raw }: Schema, path: string): void {
    const length = codePoints(value);
    if (raw.maxLength !== undefined && length > raw.maxLength) {
      this.#add("FieldValueTooLong", `Too long: may not be more than ${raw.maxLength} bytes`, path);
    }
    if (raw.minLength !== undefined && length < raw.minLength) {
      this.#invalid(path, value, `${path} in body should be at least ${raw.minLength} chars long`);
    }
    if (raw.pattern && !patternOf(raw.pattern).test(value)) {
      this.#invalid(path, value, `${path} in body should match '${raw.pattern}'`);
    }
    if (raw.format !== undefined && !hasFormat(value, raw.format)) {
      this.#typeInvalid(path, value, `${path} in body must be of type ${raw.format}: ${JSON.stringify(value)}`);
    }
  }

  #number(value: number, { raw }: Schema, path: string): void {
    const { minimum, maximum, multipleOf } = raw;
    if (maximum !== undefined && (raw.exclusiveMaximum ? value >= maximum : value > maximum)) {
      const bound = raw.exclusiveMaximum ? "should be less than" : "should be less than or equal to";
      this.#invalid(path, value, `${path} in body ${bound} ${maximum}`);
    }
    if (minimum !== undefined && (raw.exclusiveMinimum ? value <= minimum : value < minimum)) {
      const bound = raw.exclusiveMinimum ? "should be greater than" : "should be greater than or equal to";
      this.#invalid(path, value, `${path} in body ${bound} ${minimum}`);
    }
    if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
      this.#invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`);
    }
    const bound = raw.format === "int32" ? 2 ** 31 : raw.format === "int64" ? 2 ** 63 : Infinity;
    if (value >= bound || value < -bound) {
      this.#invalid(path, value, `${path} in body must be of type ${raw.format!}: "${value}"`);
    }
  }

  #list(value: unknown[], schema: Schema, old: unknown, path: string): void {
    const { raw, items } = schema;
    if (raw.maxItems !== undefined && value.length > raw.maxItems) {
      this.#add("FieldValueTooMany", `Too many: ${value.length}: must have at most ${raw.maxItems} items`, path);
    }
    if (raw.minItems !== undefined && value.length < raw.minItems) {
      this.#invalid(path, value.length, `${path} in body should have at least ${raw.minItems} items`);
    }
    this.#duplicates(value, schema, path);
    if (!items) return;
    const before = correlated(schema, old);
    value.forEach((item, i) => this.value(item, items, before(item), `${path}[${i}]`));
  }

  /** Lists that are sets or maps hold each item, or each key, once. */
  #duplicates(value: unknown[], { listType, listMapKeys }: Schema, path: string): void {
    if (listType !== "set" && listType !== "map") return;
    const seen = new Set<string>();
    value.forEach((item, i) => {
      const key =
        listType === "set"
          ? item
          : Object.fromEntries(listMapKeys.map((k) => [k, isRecord(item) ? item[k] : undefined]));
      const text = JSON.stringify(key);
      if (seen.has(text)) this.#add("FieldValueDuplicate", `Duplicate value: ${text}`, `${path}[${i}]`);
      seen.add(text);
    });
  }

  #object(value: Record<string, unknown>, schema: Schema, old: unknown, path: string): void {
    const { raw } = schema;
    const count = Object.keys(value).length;
    if (raw.maxProperties !== undefined && count > raw.maxProperties) {
      this.#add("FieldValueTooMany", `Too many: ${count}: must have at most ${raw.maxProperties} items`, path);
    }
    if (raw.minProperties !== undefined && count < raw.minProperties) {
      this.#invalid(path, count, `${path} in body should have at least ${raw.minProperties} properties`);
    }
    for (const name of schema.required) {
      if (!Object.hasOwn(value, name)) this.#add("FieldValueRequired", "Required value", join(path, name));
    }
    const before = isRecord(old) ? old : {};
    for (const [name, inner] of Object.entries(value)) {
      const field = schemaOfField(schema, name);
      if (field) this.value(inner, field, Object.hasOwn(before, name) ? before[name] : undefined, join(path, name));
    }
  }

  #junctors(value: unknown, schema: Schema, path: string): void {
    const { allOf, anyOf, oneOf, not } = schema;
    if (anyOf.length > 0) {
      const results = anyOf.map((one) => validateValue(value, one, undefined, path));
      if (!results.some(isValid)) {
        this.#loose(`"${path}" must validate at least one schema (anyOf)`);
        this.#causes.push(...results[0]!);
      }
    }
    if (oneOf.length > 0) this.#oneOf(value, oneOf, path);
    if (allOf.length > 0) {
      const failed = allOf.map((one) => validateValue(value, one, undefined, path)).filter((one) => !isValid(one));
      if (failed.length > 0) {
        this.#causes.push(...failed.flat());
        const none = failed.length === allOf.length ? ". None validated" : "";
        this.#loose(`"${path}" must validate all the schemas (allOf)${none}`);
      }
    }
    if (not && isValid(validateValue(value, not, undefined, path))) {
      this.#loose(`"${path}" must not validate the schema (not)`);
    }
  }

  #oneOf(value: unknown, oneOf: readonly Schema[], path: string): void {
    const results = oneOf.map((one) => validateValue(value, one, undefined, path));
    const valid = results.filter(isValid).length;
    if (valid === 1) return;
    const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
    this.#loose(`"${path}" must validate one and only one schema (oneOf). ${found}`);
    if (valid === 0) this.#causes.push(...results[0]!);
  }

  /** What upstream tells without a field. */
  #loose(message: string): void {
    this.#causes.push({ reason: "FieldValueInvalid", message: `Invalid value: "": ${message}`, field: "<nil>" });
  }

  #invalid(path: string, value: unknown, detail: string): void {
    this.#add("FieldValueInvalid", `Invalid value: ${JSON.stringify(value)}: ${detail}`, path);
  }

  #typeInvalid(path: string, value: unknown, detail: string): void {
    this.#add("FieldValueTypeInvalid", `Invalid value: ${JSON.stringify(value)}: ${detail}`, path);
  }

  #add(reason: string, message: string, path: string): void {
    this.#causes.push({ reason, message, field: path === "" ? "<nil>" : path });
  }
}

function isValid(causes: readonly Cause[]): boolean {
  return causes.length === 0;
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function codePoints(value: string): number {
  // Pairs of surrogates are one each.
  return value.length - (value.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/** In decimals, as written: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, of: number): boolean {
  const ratio = value / of;
  return Math.abs(ratio - Math.round(ratio)) < 1e-9;
}
