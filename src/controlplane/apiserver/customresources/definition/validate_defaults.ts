/** Defaults in a schema must be values of it (pkg/apiserver/schema/defaulting/validation.go). */
import { isDeepStrictEqual } from "node:util";
import type { Causes } from "../../validation/causes.ts";
import type { Schema } from "../schema/compile.ts";
import { setDefaults } from "../schema/defaults.ts";
import { prune } from "../schema/prune.ts";
import { validateValue } from "../schema/validate.ts";

export function validateDefaults(schema: Schema, path: string, out: Causes): void {
  if (schema.hasDefault) out.forbidden(`${path}.default`, "must not be set");
  for (const [name, property] of schema.properties) {
    const at = `${path}.properties[${name}]`;
    if (name === "metadata" && (property.hasDefault || property.hasDefaults)) {
      out.forbidden(`${at}.default`, "must not be set in top-level metadata");
    } else validateInner(property, at, out);
  }
}

function validateInner(schema: Schema, path: string, out: Causes): void {
  if (schema.hasDefault) validateDefault(schema, path, out);
  if (schema.items) validateInner(schema.items, `${path}.items`, out);
  if (typeof schema.additional === "object") validateInner(schema.additional, `${path}.additionalProperties`, out);
  for (const [name, property] of schema.properties) validateInner(property, `${path}.properties[${name}]`, out);
}

function validateDefault(schema: Schema, path: string, out: Causes): void {
  const at = `${path}.default`;
  const value = structuredClone(schema.default);
  if (value === null && !schema.nullable) {
    const words = `must not be null: ${at} in body must be of type ${schema.type ?? "object"}: "null"`;
    return out.invalid(at, null, words);
  }
  prune(value, schema, schema.isEmbedded);
  if (!isDeepStrictEqual(value, schema.default)) {
    return out.invalid(at, schema.default, "must not have unknown fields");
  }
  setDefaults(value, schema);
  out.list.push(...validateValue(value, schema, undefined, at));
}
