/** How fields merge in strategic merge patches: their patchStrategy and patchMergeKey, from the API's models. */
import { model, type FieldType, type PatchStrategy } from "../../schema/schema.ts";

/** What a patch meets below an object; undefined where no model says anything (labels, data). */
export type Schema = { readonly model: string } | { readonly values: FieldType } | undefined;

export interface FieldSchema {
  /** Of the field's own fields, or of its items'. */
  readonly below: Schema;
  readonly strategy: "merge" | "replace";
  readonly mergeKey: string | undefined;
}

const unknownField: FieldSchema = { below: undefined, strategy: "replace", mergeKey: undefined };

/** A field that holds an object merges unless it says "replace"; a list only where it says "merge". */
export function fieldSchema(schema: Schema, field: string): FieldSchema {
  const type = typeOfField(schema, field);
  if (!type) return { ...unknownField, strategy: schema ? "replace" : "merge" };
  switch (type.type) {
    case "object":
      return { below: { model: type.model }, strategy: strategyOf(type.patch, "merge"), mergeKey: undefined };
    case "map":
      return { below: { values: type.values }, strategy: "merge", mergeKey: undefined };
    case "array":
      return {
        below: belowItems(type.items),
        strategy: strategyOf(type.patch, "replace"),
        mergeKey: type.patch?.mergeKey,
      };
    case "any":
      return { ...unknownField, strategy: "merge" };
    default:
      return unknownField;
  }
}

function typeOfField(schema: Schema, field: string): FieldType | undefined {
  if (!schema) return undefined;
  return "values" in schema ? schema.values : model(schema.model).fields.get(field)?.type;
}

function belowItems(items: FieldType): Schema {
  return items.type === "object" ? { model: items.model } : undefined;
}

function strategyOf(patch: PatchStrategy | undefined, otherwise: "merge" | "replace"): "merge" | "replace" {
  if (patch?.strategy === "replace") return "replace";
  return patch?.strategy.startsWith("merge") ? "merge" : otherwise;
}
