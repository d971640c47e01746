/** Fields of an object against its model: unknown ones and wrong types (KEP-2885). */
import type { ApiObject } from "../resources/resource.ts";
import { model, type FieldType } from "../schema/schema.ts";
import { ApiError } from "../status.ts";
import { canonicalQuantity } from "../../../model/quantity.ts";

type Validation = "Ignore" | "Warn" | "Strict";

/** A value's depth at the most: deeper ones are no object of the API. */
const maxDepth = 64;
/** By bits. */
const maxInteger = { 32: 2 ** 31 - 1, 64: 2 ** 63 } as const;

/**
 * Refuses values of a wrong type; unknown fields are dropped, with a warning or a refusal as asked.
 * Quantities get their canonical form ("1000m" is "1"), as decoding gives them upstream.
 *
 * @throws ApiError 400
 */
export function checkFields(modelName: string, object: ApiObject, validation: Validation, warnings: string[]): void {
  const unknown: string[] = [];
  const walk = new FieldWalk(object, unknown);
  walk.object(modelName, object, "", 0);
  tellUnknown(object, unknown, validation, warnings);
}

/** Unknown fields as a warning or a refusal, as asked. @throws ApiError 400 */
export function tellUnknown(
  object: ApiObject,
  unknown: readonly string[],
  validation: Validation,
  warnings: string[],
): void {
  if (unknown.length === 0 || validation === "Ignore") return;
  const messages = unknown.map((path) => `unknown field "${path}"`);
  if (validation === "Strict") {
    throw new ApiError(
      "BadRequest",
      `${object.kind} in version "${object.apiVersion.split("/").at(-1)!}" cannot be handled as a ${object.kind}: strict decoding error: ${messages.join(", ")}`,
    );
  }
  warnings.push(...messages);
}

class FieldWalk {
  readonly #kind: string;
  readonly #version: string;
  readonly #unknown: string[];

  constructor({ kind, apiVersion }: ApiObject, unknown: string[]) {
    this.#kind = kind;
    this.#version = apiVersion.split("/").at(-1)!;
    this.#unknown = unknown;
  }

  object(name: string, value: Record<string, unknown>, path: string, depth: number): void {
    if (depth > maxDepth) throw this.#wrong(path, "an object that is not nested so deep");
    const { fields } = model(name);
    for (const [key, inner] of Object.entries(value)) {
      const place = path === "" ? key : `${path}.${key}`;
      const field = fields.get(key);
      if (!field) {
        this.#unknown.push(place);
        delete value[key];
      } else if (inner === null) delete value[key];
      else if (field.type.type === "quantity") value[key] = this.#quantity(inner, place);
      else this.#value(field.type, inner, place, depth + 1);
    }
  }

  #value(type: FieldType, value: unknown, path: string, depth: number): void {
    switch (type.type) {
      case "any":
        return;
      case "string":
      case "time":
      case "microTime":
      case "bytes":
        if (typeof value !== "string") throw this.#wrong(path, "string");
        return;
      case "boolean":
        if (typeof value !== "boolean") throw this.#wrong(path, "bool");
        return;
      case "integer":
        if (!Number.isInteger(value) || Math.abs(value as number) > maxInteger[type.bits]) {
          throw this.#wrong(path, `int${type.bits}`);
        }
        return;
      case "number":
        if (typeof value !== "number") throw this.#wrong(path, "float64");
        return;
      case "intOrString":
        if (typeof value !== "string" && typeof value !== "number") throw this.#wrong(path, "string or number");
        return;
      case "quantity":
        this.#quantity(value, path);
        return;
      case "array":
        if (!Array.isArray(value)) throw this.#wrong(path, "list");
        value.forEach((item, i) => this.#value(type.items, item, `${path}[${i}]`, depth + 1));
        return;
      case "map":
        this.#map(type.values, value, path, depth);
        return;
      case "object":
        if (!isRecord(value)) throw this.#wrong(path, "object");
        this.object(type.model, value, path, depth);
    }
  }

  #map(values: FieldType, value: unknown, path: string, depth: number): void {
    if (!isRecord(value)) throw this.#wrong(path, "map");
    for (const [key, inner] of Object.entries(value)) {
      const place = `${path}.${key}`;
      if (values.type === "quantity") value[key] = this.#quantity(inner, place);
      else this.#value(values, inner, place, depth + 1);
    }
  }

  #quantity(value: unknown, path: string): string {
    if (typeof value !== "string" && typeof value !== "number") throw this.#wrong(path, "string or number");
    try {
      return canonicalQuantity(value);
    } catch (cause) {
      const kind = `${this.#kind} in version "${this.#version}"`;
      throw new ApiError("BadRequest", `${kind} cannot be handled as a ${this.#kind}: ${(cause as Error).message}`);
    }
  }

  #wrong(path: string, wanted: string): ApiError {
    return new ApiError("BadRequest", `${this.#kind}: ${path}: cannot unmarshal into a value of type ${wanted}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
