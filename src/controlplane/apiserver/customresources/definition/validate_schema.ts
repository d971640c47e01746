/**
 * A version's schema: what apiextensions.k8s.io/v1 forbids in it, and whether it is structural
 * (apiextensions-apiserver/pkg/apis/apiextensions/validation, pkg/apiserver/schema/validation.go, KEP-1693).
 */
import type { Causes } from "../../validation/causes.ts";
import { compile } from "../schema/compile.ts";
import type { JsonSchema } from "../schema/json_schema.ts";
import { patternOf } from "../schema/patterns.ts";
import { validateRules } from "../cel/validate_rules.ts";
import { validateDefaults } from "./validate_defaults.ts";
import { validateLists } from "./validate_lists.ts";
import { innerSchemas } from "./inner_schemas.ts";
import { hasSchemaShape } from "./schema_shape.ts";
import { validateStructural } from "./validate_structural.ts";

export function validateSchema(schema: JsonSchema, path: string, out: Causes): void {
  if (!hasSchemaShape(schema, path, out)) return;
  const before = out.list.length;
  validateConstructs(schema, path, out);
  validateStructural(schema, path, out);
  // Values can be judged by a schema that is right alone.
  if (out.list.length > before) return;
  const compiled = compile(schema);
  validateDefaults(compiled, path, out);
  validateRules(compiled, path, out);
}

const forbidden = ["$ref", "id", "definitions", "dependencies", "patternProperties", "additionalItems"] as const;
const types = ["array", "boolean", "integer", "number", "object", "string"];

function validateConstructs(schema: JsonSchema, path: string, out: Causes): void {
  for (const keyword of forbidden) {
    if (schema[keyword] !== undefined) out.forbidden(`${path}.${keyword}`, `${keyword} is not supported`);
  }
  if (schema.uniqueItems === true) {
    const words = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    out.forbidden(`${path}.uniqueItems`, words);
  }
  validateType(schema, path, out);
  validateAdditional(schema, path, out);
  validatePattern(schema.pattern, path, out);
  validateExtensions(schema, path, out);
  validateLists(schema, path, out);
  for (const [at, inner] of innerSchemas(schema)) validateConstructs(inner, `${path}.${at}`, out);
}

function validateType({ type }: JsonSchema, path: string, out: Causes): void {
  if (type === undefined || type === "" || types.includes(type)) return;
  if (type === "null") out.forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative");
  else out.notSupported(`${path}.type`, type, types);
}

function validateAdditional({ additionalProperties, properties }: JsonSchema, path: string, out: Causes): void {
  const at = `${path}.additionalProperties`;
  if (additionalProperties === false) out.forbidden(at, "additionalProperties cannot be set to false");
  else if (additionalProperties !== undefined && Object.keys(properties ?? {}).length > 0) {
    out.forbidden(at, "additionalProperties and properties are mutual exclusive");
  }
}

function validatePattern(pattern: string | undefined, path: string, out: Causes): void {
  if (!pattern) return;
  try {
    patternOf(pattern);
  } catch (error) {
    const words = `must be a valid regular expression, but isn't: ${(error as Error).message}`;
    out.invalid(`${path}.pattern`, pattern, words);
  }
}

function validateExtensions(schema: JsonSchema, path: string, out: Causes): void {
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    out.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined");
  }
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType === undefined) return;
  if (schema.type !== "object") {
    const words = "must be object if x-kubernetes-map-type is specified";
    if (schema.type) out.invalid(`${path}.type`, schema.type, words);
    else out.required(`${path}.type`, words);
  }
  if (mapType !== "atomic" && mapType !== "granular") {
    out.notSupported(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]);
  }
}
