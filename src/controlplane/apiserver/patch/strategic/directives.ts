/** What a strategic merge patch says beside values (sig-api-machinery/strategic-merge-patch.md). */
import { define } from "../apply/merge.ts";
import { isMap } from "../types/merge_type.ts";

/** In an object or an item of a list: "replace", "delete" or "merge". */
export const directive = "$patch";
/** The only fields that an object keeps. */
export const retainKeys = "$retainKeys";
/** Items that go from a list of scalars. */
export const deleteFrom = "$deleteFromPrimitiveList/";
/** The order of a list's items. */
export const elementOrder = "$setElementOrder/";

export type Fields = Record<string, unknown>;

/** What a patch adds where there was nothing: no directives, and no nulls in objects. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.filter((item) => !(isMap(item) && item[directive] === "delete")).map(plain);
  }
  if (!isMap(value)) return value;
  const result: Fields = {};
  if (value[directive] === "delete") return result;
  for (const [name, inner] of Object.entries(value)) {
    const isDirective = name === directive || name === retainKeys || name.startsWith(elementOrder);
    if (inner === null || isDirective || name.startsWith(deleteFrom)) continue;
    define(result, name, plain(inner));
  }
  return result;
}
