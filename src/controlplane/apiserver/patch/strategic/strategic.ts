/**
 * Strategic merge patch (apimachinery/pkg/util/strategicpatch): a merge patch in which lists merge by the keys that
 * the API declares, with directives for what a plain patch cannot say.
 */
import { define } from "../apply/merge.ts";
import { isMap } from "../types/merge_type.ts";
import {
  badDirective,
  badElementOrder,
  badPrimitiveList,
  badRetainKeys,
  notInRetainKeys,
  orderMismatch,
} from "./errors.ts";
import { deleteFrom, directive, elementOrder, plain, retainKeys, type Fields } from "./directives.ts";
import { mergeLists, withoutItems } from "./lists.ts";
import { identityBy, indexOf, ordered, type Identity } from "./order.ts";
import { fieldSchema, type FieldSchema, type Schema } from "./schema.ts";

/**
 * What the patch makes of an object of a model; neither is changed, and parts of both are shared.
 *
 * @throws ApiError 400, 422 for patches that say nothing that can be done
 */
export function strategicMergePatch(modelName: string, object: unknown, patch: Fields): unknown {
  return mergeObjects(isMap(object) ? object : {}, patch, { model: modelName });
}

/** One object with its patch. */
function mergeObjects(object: Readonly<Fields>, patch: Readonly<Fields>, schema: Schema): Fields {
  if (Object.hasOwn(patch, directive)) return replacedBy(patch);
  const { ...rest } = patch;
  const result = retained({ ...object }, rest);
  mergeOrdered(result, rest, schema);
  for (const [name, value] of Object.entries(rest)) mergeField(result, name, value, schema);
  return result;
}

/** An object's own directive: to stand in the other's place, or to go. */
function replacedBy({ [directive]: what, ...rest }: Readonly<Fields>): Fields {
  if (what === "replace") return rest;
  if (what === "delete") return {};
  throw badDirective(what, { [directive]: what, ...rest });
}

/** Takes $retainKeys from the patch, and from the object whatever it does not name. */
function retained(object: Fields, patch: Fields): Fields {
  if (!Object.hasOwn(patch, retainKeys)) return object;
  const names: unknown = patch[retainKeys];
  delete patch[retainKeys];
  if (!Array.isArray(names)) throw badRetainKeys();
  const kept = new Set<unknown>(names);
  for (const [name, value] of Object.entries(patch)) {
    const isDirective = name.startsWith(deleteFrom) || name.startsWith(elementOrder);
    if (value !== null && !isDirective && !kept.has(name)) throw notInRetainKeys();
  }
  return Object.fromEntries(Object.entries(object).filter(([name]) => kept.has(name)));
}

/** Merges the lists whose order the patch says, and takes them from the patch. */
function mergeOrdered(object: Fields, patch: Fields, schema: Schema): void {
  for (const key of Object.keys(patch).filter((name) => name.startsWith(elementOrder))) {
    const order = patch[key];
    delete patch[key];
    const name = key.slice(elementOrder.length);
    const mine = listOrNothing(object, name);
    const theirs = listOrNothing(patch, name);
    if (!Array.isArray(order) || name === "") throw badElementOrder();
    if (!mine && !theirs) continue;
    const field = fieldSchema(schema, name);
    const identity = identityBy(field.mergeKey);
    if (theirs) checkOrder(theirs, order, identity);
    const merged = theirs ? mergeListField(mine ?? [], theirs, field) : mine!;
    define(object, name, ordered(merged, order, mine ?? [], identity));
    delete patch[name];
  }
}

function listOrNothing(fields: Fields, name: string): readonly unknown[] | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw badElementOrder();
  return value as readonly unknown[];
}

/** The patch's items must stand in the order that it asks for. */
function checkOrder(items: readonly unknown[], order: readonly unknown[], identity: Identity): void {
  let from = 0;
  for (const item of items) {
    if (isMap(item) && Object.hasOwn(item, directive)) continue;
    const found = indexOf(order.slice(from), item, identity);
    if (found < 0) throw orderMismatch(items, order);
    from += found + 1;
  }
}

function mergeField(object: Fields, key: string, value: unknown, schema: Schema): void {
  if (key.startsWith(deleteFrom)) {
    deleteItems(object, key.slice(deleteFrom.length), value);
    return;
  }
  if (value === null) {
    delete object[key];
    return;
  }
  const old = Object.hasOwn(object, key) ? object[key] : undefined;
  const field = fieldSchema(schema, key);
  if (isMap(value) && isMap(old)) {
    define(object, key, field.strategy === "replace" ? plain(value) : mergeObjects(old, value, field.below));
  } else if (Array.isArray(value) && Array.isArray(old)) {
    define(object, key, mergeListField(old as readonly unknown[], value, field));
  } else define(object, key, plain(value));
}

function mergeListField(old: readonly unknown[], patch: readonly unknown[], field: FieldSchema): unknown[] {
  if (field.strategy === "replace") return plain(patch) as unknown[];
  return mergeLists(old, patch, field, mergeObjects);
}

function deleteItems(object: Fields, name: string, items: unknown): void {
  if (name === "" || !Array.isArray(items)) throw badPrimitiveList();
  const old = Object.hasOwn(object, name) ? object[name] : undefined;
  if (Array.isArray(old)) define(object, name, withoutItems(old, items));
}
