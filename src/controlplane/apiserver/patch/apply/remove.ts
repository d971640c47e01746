/** An object without a set of fields (structured-merge-diff, typed/remove.go). */
import { isMap, shapeOf, typeOfField, type MergeType, type Shape } from "../types/merge_type.ts";
import { isMember, type FieldSet } from "./fields.ts";
import { elementOf, type Associative } from "./items.ts";
import { define } from "./merge.ts";

/** The value without the members of the set; undefined where nothing is left of what it had. */
export function without(type: MergeType, value: unknown, set: FieldSet): unknown {
  const shape = shapeOf(type, value);
  if (shape.kind === "leaf") return value;
  if (shape.kind === "struct" || shape.kind === "map") return isMap(value) ? mapWithout(shape, value, set) : value;
  return Array.isArray(value) ? listWithout(shape, value, set) : value;
}

function mapWithout(shape: Shape, value: Readonly<Record<string, unknown>>, set: FieldSet): unknown {
  const result: Record<string, unknown> = {};
  let left = 0;
  for (const [name, inner] of Object.entries(value)) {
    const node = set[`f:${name}`];
    if (node && isMember(node)) continue;
    const kept = node ? without(typeOfField(shape, name), inner, node) : inner;
    if (kept === undefined) continue;
    define(result, name, kept);
    left++;
  }
  return left > 0 ? result : undefined;
}

function listWithout(shape: Associative, value: readonly unknown[], set: FieldSet): unknown {
  const result: unknown[] = [];
  for (const item of value) {
    const node = set[elementOf(shape, item) ?? ""];
    if (node && isMember(node)) continue;
    const kept = node && shape.kind === "keyed" ? without(shape.items, item, node) : item;
    if (kept !== undefined) result.push(kept);
  }
  return result.length > 0 ? result : undefined;
}
