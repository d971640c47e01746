/** Whether what a definition calls a schema is one at all: every keyword of its JSON type, and not nested without end. */
import type { Causes } from "../../validation/causes.ts";
import { isRecord } from "../schema/compile.ts";

type Shape =
  | "string"
  | "number"
  | "integer"
  | "boolean"
  | "strings"
  | "any"
  | "list"
  | "schema"
  | "schemas"
  | "schemaMap"
  | "rules"
  | "schemaOrBoolean";

const shapes: Readonly<Record<string, Shape>> = {
  $ref: "string",
  $schema: "string",
  id: "string",
  type: "string",
  format: "string",
  title: "string",
  description: "string",
  pattern: "string",
  nullable: "boolean",
  uniqueItems: "boolean",
  exclusiveMaximum: "boolean",
  exclusiveMinimum: "boolean",
  maximum: "number",
  minimum: "number",
  multipleOf: "number",
  maxLength: "integer",
  minLength: "integer",
  maxItems: "integer",
  minItems: "integer",
  maxProperties: "integer",
  minProperties: "integer",
  required: "strings",
  enum: "list",
  items: "schema",
  not: "schema",
  allOf: "schemas",
  anyOf: "schemas",
  oneOf: "schemas",
  properties: "schemaMap",
  additionalProperties: "schemaOrBoolean",
  "x-kubernetes-preserve-unknown-fields": "boolean",
  "x-kubernetes-embedded-resource": "boolean",
  "x-kubernetes-int-or-string": "boolean",
  "x-kubernetes-list-type": "string",
  "x-kubernetes-map-type": "string",
  "x-kubernetes-list-map-keys": "strings",
  "x-kubernetes-validations": "rules",
};

/** Nested schemas at the most; the deepest of the published definitions have some 30. */
const maxDepth = 100;
/** Schemas in one version at the most; a pod's whole template has some 2,000. */
const maxSchemas = 50_000;

/** @returns whether the value can be read as a JsonSchema */
export function hasSchemaShape(value: unknown, path: string, out: Causes): boolean {
  const before = out.list.length;
  new ShapeWalk(out).schema(value, path, 0);
  return out.list.length === before;
}

class ShapeWalk {
  readonly #out: Causes;
  #count = 0;

  constructor(out: Causes) {
    this.#out = out;
  }

  schema(value: unknown, path: string, depth: number): void {
    if (depth > maxDepth) return this.#out.invalid(path, "…", `schemas may be nested at most ${maxDepth} deep`);
    if (++this.#count > maxSchemas) {
      if (this.#count === maxSchemas + 1) this.#out.tooMany(path, this.#count, maxSchemas);
      return;
    }
    if (!isRecord(value)) return this.#wrong(path, "an object");
    for (const [key, inner] of Object.entries(value))
      this.#keyword(shapes[key] ?? "any", inner, `${path}.${key}`, depth);
  }

  #keyword(shape: Shape, value: unknown, path: string, depth: number): void {
    switch (shape) {
      case "any":
        return;
      case "integer":
        return this.#check(Number.isSafeInteger(value), path, "an integer");
      case "string":
      case "number":
      case "boolean":
        return this.#check(typeof value === shape, path, `a ${shape}`);
      case "list":
        return this.#check(Array.isArray(value), path, "a list");
      case "strings":
        return this.#check(
          isListOf(value, (one) => typeof one === "string"),
          path,
          "a list of strings",
        );
      case "rules":
        return this.#check(isListOf(value, isRule), path, "a list of rules");
      case "schema":
        return this.schema(value, path, depth + 1);
      case "schemaOrBoolean":
        if (typeof value !== "boolean") this.schema(value, path, depth + 1);
        return;
      case "schemas":
        if (!Array.isArray(value)) return this.#wrong(path, "a list");
        value.forEach((inner, i) => this.schema(inner, `${path}[${i}]`, depth + 1));
        return;
      case "schemaMap":
        if (!isRecord(value)) return this.#wrong(path, "an object");
        for (const [name, inner] of Object.entries(value)) this.schema(inner, `${path}[${name}]`, depth + 1);
    }
  }

  #check(isRight: boolean, path: string, wanted: string): void {
    if (!isRight) this.#wrong(path, wanted);
  }

  #wrong(path: string, wanted: string): void {
    this.#out.invalid(path, "…", `must be ${wanted}`);
  }
}

function isListOf(value: unknown, check: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check);
}

const ruleTexts = ["rule", "message", "messageExpression", "reason", "fieldPath"];

function isRule(value: unknown): boolean {
  return isRecord(value) && ruleTexts.every((key) => value[key] === undefined || typeof value[key] === "string");
}
