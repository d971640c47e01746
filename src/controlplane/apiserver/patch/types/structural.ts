/** Merge types of custom resources, from the structural schemas of their definitions (KEP-555, x-kubernetes-*). */
import { typeOfModel, keyedList, leaf, untyped, type MergeType } from "./merge_type.ts";

/** The part of apiextensions.k8s.io/v1 JSONSchemaProps that says how values merge. */
export interface StructuralSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly default?: unknown;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
}

/** The type of a custom resource: its schema's, and metadata as every object has it. */
export function typeOfCustomResource(schema: StructuralSchema | undefined): MergeType {
  const own = schema ? typeOfSchema(schema) : untyped;
  const fields = new Map(own.kind === "struct" ? own.fields : []);
  fields.set("apiVersion", leaf).set("kind", leaf).set("metadata", typeOfModel("V1ObjectMeta"));
  return { kind: "struct", fields };
}

export function typeOfSchema(schema: StructuralSchema): MergeType {
  if (schema.type === "object") return typeOfObject(schema);
  if (schema.type === "array") return typeOfList(schema);
  // A schema without a type is a preserved value, or an int-or-string.
  return schema.type === undefined && schema["x-kubernetes-int-or-string"] !== true ? untyped : leaf;
}

function typeOfObject(schema: StructuralSchema): MergeType {
  if (schema["x-kubernetes-map-type"] === "atomic") return leaf;
  if (typeof schema.additionalProperties === "object") {
    return { kind: "map", values: typeOfSchema(schema.additionalProperties) };
  }
  if (!schema.properties && !schema["x-kubernetes-embedded-resource"]) return untyped;
  const fields = new Map<string, MergeType>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) fields.set(name, typeOfSchema(property));
  if (schema["x-kubernetes-embedded-resource"]) fields.set("metadata", typeOfModel("V1ObjectMeta"));
  return { kind: "struct", fields };
}

function typeOfList(schema: StructuralSchema): MergeType {
  const { items } = schema;
  switch (schema["x-kubernetes-list-type"]) {
    case "set":
      return { kind: "set" };
    case "map":
      return keyedList(
        schema["x-kubernetes-list-map-keys"] ?? [],
        defaultsOf(items),
        items ? typeOfSchema(items) : untyped,
      );
    default:
      return leaf;
  }
}

/** Defaults of an item's fields: a key that an item does not say is taken from them. */
function defaultsOf(items: StructuralSchema | undefined): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(items?.properties ?? {})) {
    if (property.default !== undefined) defaults[name] = property.default;
  }
  return defaults;
}
