/**
 * A structural schema made ready for its walks: maps in place of objects, what is absent told apart once.
 */
import type { JsonSchema, ValidationRule } from "./json_schema.ts";

export interface Schema {
  readonly type: string | undefined;
  readonly nullable: boolean;
  readonly properties: ReadonlyMap<string, Schema>;
  /** Of maps: the schema of their values; true where any value goes. */
  readonly additional: Schema | true | undefined;
  readonly items: Schema | undefined;
  readonly preservesUnknown: boolean;
  readonly isEmbedded: boolean;
  readonly isIntOrString: boolean;
  readonly hasDefault: boolean;
  readonly default: unknown;
  readonly listType: "atomic" | "set" | "map" | undefined;
  readonly listMapKeys: readonly string[];
  readonly isAtomicMap: boolean;
  readonly required: readonly string[];
  readonly allOf: readonly Schema[];
  readonly anyOf: readonly Schema[];
  readonly oneOf: readonly Schema[];
  readonly not: Schema | undefined;
  readonly rules: readonly ValidationRule[];
  /** Bounds, enum, pattern and format, as they are written. */
  readonly raw: JsonSchema;
  /** Whether a default stands anywhere below: where none does, objects need no walk for them. */
  readonly hasDefaults: boolean;
}

export function compile(raw: JsonSchema): Schema {
  const properties = new Map(Object.entries(raw.properties ?? {}).map(([name, inner]) => [name, compile(inner)]));
  const additional = compiledAdditional(raw.additionalProperties);
  const items = raw.items && compile(raw.items);
  const below = [...properties.values(), ...(items ? [items] : []), ...(isSchema(additional) ? [additional] : [])];
  return {
    raw,
    type: raw.type,
    nullable: raw.nullable === true,
    properties,
    additional,
    items,
    preservesUnknown: raw["x-kubernetes-preserve-unknown-fields"] === true,
    isEmbedded: raw["x-kubernetes-embedded-resource"] === true,
    isIntOrString: raw["x-kubernetes-int-or-string"] === true,
    hasDefault: raw.default !== undefined,
    default: raw.default,
    listType: raw["x-kubernetes-list-type"] as Schema["listType"],
    listMapKeys: raw["x-kubernetes-list-map-keys"] ?? [],
    isAtomicMap: raw["x-kubernetes-map-type"] === "atomic",
    required: raw.required ?? [],
    allOf: (raw.allOf ?? []).map(compile),
    anyOf: (raw.anyOf ?? []).map(compile),
    oneOf: (raw.oneOf ?? []).map(compile),
    not: raw.not && compile(raw.not),
    rules: raw["x-kubernetes-validations"] ?? [],
    hasDefaults: below.some((inner) => inner.hasDefault || inner.hasDefaults),
  };
}

function compiledAdditional(raw: JsonSchema | boolean | undefined): Schema | true | undefined {
  if (raw === undefined || raw === false) return undefined;
  return raw === true ? true : compile(raw);
}

function isSchema(value: Schema | true | undefined): value is Schema {
  return typeof value === "object";
}

/** The schema of a field: its property's, or that of a map's values. */
export function schemaOfField(schema: Schema, name: string): Schema | undefined {
  return schema.properties.get(name) ?? (isSchema(schema.additional) ? schema.additional : undefined);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
