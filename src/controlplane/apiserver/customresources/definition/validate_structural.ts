/** Whether a schema is structural: types everywhere, values' constraints apart from them (pkg/apiserver/schema/validation.go). */
import type { Causes } from "../../validation/causes.ts";
import type { JsonSchema } from "../schema/json_schema.ts";
import { junctors } from "./inner_schemas.ts";

type Level = "root" | "field" | "item";

const emptyType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  field: "must not be empty for specified object fields",
  item: "must not be empty for specified array items",
};

export function validateStructural(schema: JsonSchema, path: string, out: Causes): void {
  validateLevel(schema, "root", path, out);
  validateRoot(schema, path, out);
}

function validateLevel(schema: JsonSchema, level: Level, path: string, out: Causes): void {
  validateType(schema, level, path, out);
  validateEmbedded(schema, path, out);
  if (schema.type === "array" && !schema.items) out.required(`${path}.items`, "must be specified");
  if (schema.items) validateLevel(schema.items, "item", `${path}.items`, out);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    validateLevel(property, "field", `${path}.properties[${name}]`, out);
  }
  const additional = schema.additionalProperties;
  if (typeof additional === "object") validateLevel(additional, "field", `${path}.additionalProperties`, out);
  for (const [at, inner] of junctors(schema)) {
    const isIntOrString = isIntOrStringPattern(schema, at);
    validateNested(inner, schema, isIntOrString, `${path}.${at}`, out);
  }
}

function validateType(schema: JsonSchema, level: Level, path: string, out: Causes): void {
  const isIntOrString = schema["x-kubernetes-int-or-string"] === true;
  if (isIntOrString) {
    const words = "must be empty if x-kubernetes-int-or-string is true";
    if (schema.type) out.invalid(`${path}.type`, schema.type, words);
    if (level === "root") out.forbidden(`${path}.x-kubernetes-int-or-string`, "cannot be used at the root");
    return;
  }
  if (level === "root" && schema.type && schema.type !== "object") {
    return out.invalid(`${path}.type`, schema.type, "must be object at the root");
  }
  const mayLack = schema["x-kubernetes-preserve-unknown-fields"] === true && level !== "root";
  if (!schema.type && !mayLack) out.required(`${path}.type`, emptyType[level]);
}

function validateEmbedded(schema: JsonSchema, path: string, out: Causes): void {
  if (schema["x-kubernetes-embedded-resource"] !== true) return;
  const words = "must be object if x-kubernetes-embedded-resource is true";
  if (!schema.type) out.required(`${path}.type`, words);
  else if (schema.type !== "object") out.invalid(`${path}.type`, schema.type, words);
  const isEmpty = Object.keys(schema.properties ?? {}).length === 0;
  if (isEmpty && schema["x-kubernetes-preserve-unknown-fields"] !== true) {
    const without =
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    out.required(`${path}.properties`, without);
  }
}

function validateRoot({ properties }: JsonSchema, path: string, out: Causes): void {
  for (const name of ["apiVersion", "kind"]) {
    const type = properties?.[name]?.type;
    if (type && type !== "string") out.invalid(`${path}.properties[${name}].type`, type, "must be string");
  }
  const metadata = properties?.["metadata"];
  if (!metadata) return;
  const at = `${path}.properties[metadata]`;
  if (metadata.type && metadata.type !== "object") out.invalid(`${at}.type`, metadata.type, "must be object");
  const others = Object.keys(metadata.properties ?? {}).filter((name) => name !== "name" && name !== "generateName");
  if (others.length > 0) {
    out.forbidden(
      at,
      "must not specify anything other than name and generateName, but metadata is implicitly specified",
    );
  }
}

/** `anyOf: [{type: integer}, {type: string}]` beside x-kubernetes-int-or-string, alone or first in an allOf. */
function isIntOrStringPattern(schema: JsonSchema, at: string): boolean {
  return schema["x-kubernetes-int-or-string"] === true && (at.startsWith("anyOf") || at.startsWith("allOf"));
}

const structuralOnly = ["description", "title", "default", "nullable"] as const;

/** Schemas in junctors constrain values; what there is, is said outside of them. */
function validateNested(
  schema: JsonSchema,
  outside: JsonSchema | undefined,
  isIntOrString: boolean,
  path: string,
  out: Causes,
): void {
  for (const keyword of structuralOnly) {
    const value = schema[keyword];
    if (value !== undefined && value !== "" && value !== false) forbid(keyword, path, out);
  }
  if (schema.type && !(isIntOrString && (schema.type === "integer" || schema.type === "string")))
    forbid("type", path, out);
  if (typeof schema.additionalProperties === "object" || schema.additionalProperties === true) {
    forbid("additionalProperties", path, out);
  }
  for (const keyword of Object.keys(schema)) {
    if (keyword.startsWith("x-kubernetes-") && keyword !== "x-kubernetes-validations") forbid(keyword, path, out);
  }
  validateNamed(schema, outside, path, out);
  for (const [at, inner] of junctors(schema)) {
    validateNested(inner, outside, isIntOrString, `${path}.${at}`, out);
  }
}

function forbid(keyword: string, path: string, out: Causes): void {
  out.forbidden(`${path}.${keyword}`, "must be empty to be structural");
}

/** What a junctor speaks of must be specified outside of it too. */
function validateNamed(schema: JsonSchema, outside: JsonSchema | undefined, path: string, out: Causes): void {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const at = `${path}.properties[${name}]`;
    const known = outside?.properties?.[name] ?? mapValues(outside);
    if (known) validateNested(property, known, false, at, out);
    else if (outside) out.required(`${beforeJunctor(path)}.properties[${name}]`, `because it is defined in ${at}`);
  }
  if (!schema.items) return;
  if (outside?.items) validateNested(schema.items, outside.items, false, `${path}.items`, out);
  else if (outside) out.required(`${beforeJunctor(path)}.items`, `because it is defined in ${path}.items`);
}

function mapValues(schema: JsonSchema | undefined): JsonSchema | undefined {
  return typeof schema?.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

function beforeJunctor(path: string): string {
  return path.replace(/\.(allOf\[\d+\]|anyOf\[\d+\]|oneOf\[\d+\]|not)/g, "");
}
