/** Lists in strategic merge patches: objects by their merge key, scalars as sets. */
import { isDeepStrictEqual } from "node:util";
import { isMap } from "../types/merge_type.ts";
import { badDirective, listOfLists, mergeInList, mixedList, noDeclaredKey, noMergeKey } from "./errors.ts";
import { directive, plain, type Fields } from "./directives.ts";
import { identityBy, indexOf, ordered } from "./order.ts";
import type { FieldSchema, Schema } from "./schema.ts";

/** Merges a patch into an item. */
export type MergeItem = (item: Readonly<Fields>, patch: Readonly<Fields>, schema: Schema) => Fields;

/** @throws ApiError where items are not all alike, or lack their key */
export function mergeLists(
  old: readonly unknown[],
  patch: readonly unknown[],
  field: FieldSchema,
  mergeItem: MergeItem,
): unknown[] {
  if (old.length === 0 && patch.length === 0) return [];
  if (kindOf(old, patch) === "scalar") {
    const all = withoutRepeats([...old, ...patch]);
    return ordered(all, patch, old, identityBy(undefined));
  }
  const { mergeKey, below } = field;
  if (mergeKey === undefined) throw noDeclaredKey();
  return mergeObjectLists(old, patch, mergeKey, (item, change) => mergeItem(item, change, below));
}

function kindOf(old: readonly unknown[], patch: readonly unknown[]): "object" | "scalar" {
  const kinds = new Set(
    [...old, ...patch].map((item) => (Array.isArray(item) ? "list" : isMap(item) ? "object" : "scalar")),
  );
  if (kinds.has("list")) throw listOfLists();
  if (kinds.size !== 1) throw mixedList();
  return kinds.has("object") ? "object" : "scalar";
}

function mergeObjectLists(
  old: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
  mergeItem: (item: Readonly<Fields>, patch: Readonly<Fields>) => Fields,
): unknown[] {
  const identity = identityBy(mergeKey);
  const { items, kept } = applyDirectives(old, patch as readonly Readonly<Fields>[], mergeKey);
  if (items.length === 0) return [...kept];
  const merged = [...kept];
  for (const item of items) {
    if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
    const at = indexOf(merged, item, identity);
    if (at < 0) merged.push(plain(item));
    else merged[at] = mergeItem(merged[at] as Fields, item);
  }
  return ordered(merged, items, kept, identity);
}

interface Directed {
  /** What the patch adds or merges. */
  readonly items: readonly Readonly<Fields>[];
  /** What it leaves of the object's items. */
  readonly kept: readonly unknown[];
}

/** Items that say what is to be done: one goes, or the patch's stand in the place of all. */
function applyDirectives(old: readonly unknown[], patch: readonly Readonly<Fields>[], mergeKey: string): Directed {
  const identity = identityBy(mergeKey);
  let kept = old;
  let isReplaced = false;
  const items: Readonly<Fields>[] = [];
  for (const item of patch) {
    switch (item[directive]) {
      case undefined:
        items.push(item);
        break;
      case "delete":
        if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
        kept = kept.filter((other) => !isDeepStrictEqual(identity(other), item[mergeKey]));
        break;
      case "replace":
        isReplaced = true;
        break;
      case "merge":
        throw mergeInList();
      default:
        throw badDirective(item[directive], item);
    }
  }
  // The patch's items stand as they are, even two of one key (a node's addresses of two families).
  return isReplaced ? { items: [], kept: items.map((item) => plain(item)) } : { items, kept };
}

export function withoutItems(list: readonly unknown[], items: readonly unknown[]): unknown[] {
  const gone = new Set(items.map((item) => JSON.stringify(item)));
  return list.filter((item) => !gone.has(JSON.stringify(item)));
}

function withoutRepeats(list: readonly unknown[]): unknown[] {
  return [...new Map(list.map((item) => [JSON.stringify(item), item])).values()];
}
