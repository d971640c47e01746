/** Items of associative lists: the path element that tells each from the others. */
import { isMap, type KeyedList, type Shape } from "../types/merge_type.ts";
import { keyElement } from "./fields.ts";

export type Associative = Extract<Shape, { readonly kind: "set" | "keyed" }>;

/** The element of an item, or undefined where it cannot be told apart. */
export function elementOf(shape: Associative, item: unknown): string | undefined {
  if (shape.kind === "keyed") return isMap(item) ? keyedElement(shape, item) : undefined;
  return typeof item === "object" || item === undefined ? undefined : `v:${JSON.stringify(item)}`;
}

function keyedElement({ keys, defaults }: KeyedList, item: Readonly<Record<string, unknown>>): string | undefined {
  const found: [string, unknown][] = [];
  for (const key of keys) {
    const value = Object.hasOwn(item, key) ? item[key] : defaults[key];
    if (value !== undefined) found.push([key, value]);
  }
  return found.length > 0 ? keyElement(found) : undefined;
}

/** What is wrong with an item that has no element, in upstream's words. */
export function elementProblem(shape: Associative, item: unknown): string {
  if (shape.kind === "set") {
    return `associative list without keys has an element that's ${item === null ? "an explicit null" : "a map type"}`;
  }
  if (item === null) return "associative list with keys may not have a null element";
  if (!isMap(item)) return "associative list with keys may not have non-map elements";
  const keys = shape.keys.map((key) => JSON.stringify(key)).join(" ");
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}

/** A list's items by their elements, in order; items that cannot be told apart are left out. */
export function byElement(shape: Associative, items: readonly unknown[]): Map<string, unknown[]> {
  const result = new Map<string, unknown[]>();
  for (const item of items) {
    const element = elementOf(shape, item);
    if (element === undefined) continue;
    const same = result.get(element);
    if (same) same.push(item);
    else result.set(element, [item]);
  }
  return result;
}
