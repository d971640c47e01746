/**
 * How values of a type merge: the part of a schema that server-side apply needs (structured-merge-diff's schema.Atom).
 * Built-in kinds have it from their models, custom resources from their structural schemas.
 */
import { model, type FieldType } from "../../schema/schema.ts";

export type MergeType =
  /** A single value, or whatever is taken as a whole (x-kubernetes-map-type or -list-type: atomic). */
  | { readonly kind: "leaf" }
  /** No schema says anything: maps merge key by key, lists are taken whole. */
  | { readonly kind: "untyped" }
  | { readonly kind: "struct"; readonly fields: ReadonlyMap<string, MergeType> }
  | { readonly kind: "map"; readonly values: MergeType }
  | { readonly kind: "set" }
  | KeyedList;

/** A list whose items are told apart by keys. */
export interface KeyedList {
  readonly kind: "keyed";
  /** In ascending order, as they stand in a path. */
  readonly keys: readonly string[];
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly items: MergeType;
}

/** What the walks do with a value: an untyped one is taken for what it is. */
export type Shape = Exclude<MergeType, { readonly kind: "untyped" }>;

export const leaf: MergeType = { kind: "leaf" };
export const untyped: MergeType = { kind: "untyped" };
const untypedMap: Shape = { kind: "map", values: untyped };
const leafShape: Shape = { kind: "leaf" };

export function shapeOf(type: MergeType, value: unknown): Shape {
  if (type.kind !== "untyped") return type;
  return isMap(value) ? untypedMap : leafShape;
}

/** The type of a field of a struct or an entry of a map. */
export function typeOfField(shape: Shape, name: string): MergeType {
  if (shape.kind === "struct") return shape.fields.get(name) ?? untyped;
  return shape.kind === "map" ? shape.values : untyped;
}

export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The items of a list; none for null. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const ofModels = new Map<string, MergeType>();

/** The type of a model of the API ("V1Pod"). */
export function typeOfModel(name: string): MergeType {
  const known = ofModels.get(name);
  if (known) return known;
  const fields = new Map<string, MergeType>();
  const type: MergeType = { kind: "struct", fields };
  // Before its fields are: a model may hold itself (JSONSchemaProps).
  ofModels.set(name, type);
  for (const [field, { type: fieldType }] of model(name).fields) fields.set(field, mergeTypeOf(fieldType));
  return type;
}

function mergeTypeOf(type: FieldType): MergeType {
  switch (type.type) {
    case "object":
      return type.atomic ? leaf : typeOfModel(type.model);
    case "map":
      return type.atomic ? leaf : { kind: "map", values: mergeTypeOf(type.values) };
    case "array":
      if (!type.list) return leaf;
      if (type.list.kind === "set") return { kind: "set" };
      return keyedList(type.list.keys, type.list.defaults ?? {}, mergeTypeOf(type.items));
    default:
      return leaf;
  }
}

export function keyedList(
  keys: readonly string[],
  defaults: Readonly<Record<string, unknown>>,
  items: MergeType,
): KeyedList {
  return { kind: "keyed", keys: [...keys].sort(), defaults, items };
}
