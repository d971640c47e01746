/** Walking a schema: what stands right in it. */
import type { JsonSchema } from "../schema/json_schema.ts";

/** The schemas right in a schema, each with its path. */
export function innerSchemas(schema: JsonSchema): [string, JsonSchema][] {
  const inner: [string, JsonSchema][] = [];
  if (schema.items) inner.push(["items", schema.items]);
  for (const [name, one] of Object.entries(schema.properties ?? {})) inner.push([`properties[${name}]`, one]);
  const additional = schema.additionalProperties;
  if (typeof additional === "object") inner.push(["additionalProperties", additional]);
  return [...inner, ...junctors(schema)];
}

/** The schemas of a schema's logical junctors, each with its path. */
export function junctors(schema: JsonSchema): [string, JsonSchema][] {
  const inner: [string, JsonSchema][] = [];
  for (const keyword of ["allOf", "anyOf", "oneOf"] as const) {
    schema[keyword]?.forEach((one, i) => inner.push([`${keyword}[${i}]`, one]));
  }
  if (schema.not) inner.push(["not", schema.not]);
  return inner;
}
