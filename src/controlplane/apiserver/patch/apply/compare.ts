/** What differs between two values of a type, as sets of fields (structured-merge-diff, typed/compare.go). */
import { isDeepStrictEqual } from "node:util";
import { isMap, itemsOf, shapeOf, typeOfField, type MergeType, type Shape } from "../types/merge_type.ts";
import { asMember, union, type FieldSet } from "./fields.ts";
import { byElement, type Associative } from "./items.ts";
import { everyField } from "./owned.ts";

/** Nodes; no field stands in two of them. */
export interface Changes {
  readonly added?: FieldSet;
  readonly modified?: FieldSet;
  readonly removed?: FieldSet;
}

const member: FieldSet = asMember(undefined);
const none: Changes = {};

/** Children of a node that changed, gathered one by one. */
class Gathered {
  added: Record<string, FieldSet> | undefined;
  modified: Record<string, FieldSet> | undefined;
  removed: Record<string, FieldSet> | undefined;

  add(element: string, changes: Changes): void {
    if (changes.added) (this.added ??= {})[element] = changes.added;
    if (changes.modified) (this.modified ??= {})[element] = changes.modified;
    if (changes.removed) (this.removed ??= {})[element] = changes.removed;
  }
}

/** What changed below two values that are both there. */
export function compare(type: MergeType, old: unknown, next: unknown): Changes {
  if (old === next) return none;
  const before = shapeOf(type, old);
  const after = shapeOf(type, next);
  if (before.kind !== after.kind) return compareKinds(before, old, after, next);
  if (after.kind === "leaf" || (isEmpty(old) && isEmpty(next))) return leafChange(old, next);
  const gathered = new Gathered();
  if (after.kind === "struct" || after.kind === "map") compareMaps(after, old, next, gathered);
  else compareItems(after, itemsOf(old), itemsOf(next), gathered);
  return gathered as Changes;
}

function leafChange(old: unknown, next: unknown): Changes {
  return isDeepStrictEqual(old, next) ? none : { modified: member };
}

/** An untyped value that became another kind of thing: it changed itself, and what was in it went or came. */
function compareKinds(before: Shape, old: unknown, after: Shape, next: unknown): Changes {
  const changes: { -readonly [key in keyof Changes]: FieldSet } = { modified: member };
  const went = below(before, old);
  const came = below(after, next);
  if (went) changes.removed = went;
  if (came) changes.added = came;
  return changes;
}

function below(shape: Shape, value: unknown): FieldSet | undefined {
  const { ".": _, ...children } = everyField(shape, value);
  return Object.keys(children).length > 0 ? children : undefined;
}

/** Both empty, or null: told apart as leaves are. */
function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isMap(value)) for (const _ in value) return false;
  return true;
}

function compareMaps(shape: Shape, old: unknown, next: unknown, gathered: Gathered): void {
  const before = isMap(old) ? old : {};
  const after = isMap(next) ? next : {};
  for (const name in after) {
    gathered.add(`f:${name}`, compareField(typeOfField(shape, name), ownValue(before, name), after[name]));
  }
  for (const name in before) {
    if (Object.hasOwn(after, name)) continue;
    gathered.add(`f:${name}`, { removed: everyField(typeOfField(shape, name), before[name]) });
  }
}

function ownValue(map: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/** What changed of a field that is there now. */
function compareField(type: MergeType, old: unknown, next: unknown): Changes {
  return old === undefined ? { added: everyField(type, next) } : compare(type, old, next);
}

function compareItems(shape: Associative, old: readonly unknown[], next: readonly unknown[], gathered: Gathered): void {
  const before = byElement(shape, old);
  const after = byElement(shape, next);
  const items: MergeType = shape.kind === "set" ? { kind: "leaf" } : shape.items;
  for (const [element, now] of after) gathered.add(element, compareDuplicates(items, before.get(element) ?? [], now));
  for (const [element, then] of before) {
    if (!after.has(element)) gathered.add(element, compareDuplicates(items, then, []));
  }
}

/** Items of one key; where there are several, they are taken together as a whole. */
function compareDuplicates(type: MergeType, old: readonly unknown[], next: readonly unknown[]): Changes {
  if (old.length > 1 && next.length > 1) return leafChange(old, next);
  if (old.length > 1) {
    return { ...(next.length > 0 ? { added: everyField(type, next[0]) } : {}), removed: member };
  }
  if (next.length > 1) {
    return { added: member, ...(old.length > 0 ? { removed: everyField(type, old[0]) } : {}) };
  }
  if (next.length === 0) return { removed: everyField(type, old[0]) };
  return compareField(type, old[0], next[0]);
}

/** What is in an object newly, or otherwise: what a manager that did not say so loses. */
export function touched(changes: Changes): FieldSet {
  if (!changes.added) return changes.modified ?? {};
  return changes.modified ? union(changes.modified, changes.added) : changes.added;
}
