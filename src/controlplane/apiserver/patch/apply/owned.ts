/** The fields that a value has: all of them, or those that an applied configuration names. */
import { isMap, itemsOf, shapeOf, typeOfField, type MergeType, type Shape } from "../types/merge_type.ts";
import { asMember, elements, isBare, pathOf, self, type FieldSet } from "./fields.ts";
import { elementOf, elementProblem, type Associative } from "./items.ts";

const member: FieldSet = asMember(undefined);

/** Every field of a value with every parent, as a node: what was added where there was nothing. */
export function everyField(type: MergeType, value: unknown): FieldSet {
  const shape = shapeOf(type, value);
  const node: Record<string, FieldSet> = {};
  if (shape.kind === "struct" || shape.kind === "map") {
    if (isMap(value)) {
      for (const name in value) node[`f:${name}`] = everyField(typeOfField(shape, name), value[name]);
    }
  } else if (shape.kind !== "leaf") everyItem(shape, itemsOf(value), node);
  return asMember(node);
}

function everyItem(shape: Associative, items: readonly unknown[], node: Record<string, FieldSet>): void {
  for (const item of items) {
    const element = elementOf(shape, item);
    if (element === undefined) continue;
    // Items that are twice there are one member.
    node[element] = node[element] || shape.kind === "set" ? member : everyField(shape.items, item);
  }
}

/** A configuration that its type does not allow: what is wrong, by path. */
export class ConfigurationError extends Error {}

/**
 * The fields that an applied configuration names (structured-merge-diff, ToFieldSet): its leaves, and the items of
 * associative lists and maps.
 *
 * @throws ConfigurationError for items without keys, and for those that are twice there
 */
export function appliedFields(type: MergeType, config: unknown): FieldSet {
  return new NamedFields(true).of(type, config, "") ?? member;
}

/** The same of an object as it is, which may hold items that cannot be told apart. */
export function namedFields(type: MergeType, value: unknown): FieldSet {
  return new NamedFields(false).of(type, value, "") ?? member;
}

class NamedFields {
  readonly #strict: boolean;

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** A node, or undefined where a value names nothing. */
  of(type: MergeType, value: unknown, path: string): FieldSet | undefined {
    const shape = shapeOf(type, value);
    if (shape.kind === "leaf") return member;
    const isMapShape = shape.kind === "struct" || shape.kind === "map";
    const node = isMapShape ? this.#map(shape, value, path) : this.#items(shape, value, path);
    return isBare(node) ? undefined : node;
  }

  #map(shape: Shape, value: unknown, path: string): FieldSet {
    const node: Record<string, FieldSet> = {};
    if (!isMap(value)) return node;
    for (const name in value) {
      const inner = value[name];
      const found = this.of(typeOfField(shape, name), inner, `${path}.${name}`);
      const isEmpty = inner === null || (isMap(inner) && Object.keys(inner).length === 0);
      const isEntry = shape.kind === "map" || (shape.kind === "struct" && !shape.fields.has(name));
      if (isEmpty || isEntry) node[`f:${name}`] = asMember(found);
      else if (found) node[`f:${name}`] = found;
    }
    return node;
  }

  #items(shape: Associative, value: unknown, path: string): FieldSet {
    const node: Record<string, FieldSet> = {};
    itemsOf(value).forEach((item, i) => {
      const element = elementOf(shape, item);
      if (element === undefined) {
        if (this.#strict) throw new ConfigurationError(`${path}: element ${i}: ${elementProblem(shape, item)}`);
        return;
      }
      if (node[element] && this.#strict) {
        throw new ConfigurationError(`${path}: duplicate entries for key ${pathOf(element)}`);
      }
      node[element] = shape.kind === "set" ? member : asMember(this.of(shape.items, item, path + pathOf(element)));
    });
    return node;
  }
}

/**
 * The set with every struct's field a member that has members below it, so that a struct goes with the last of its
 * fields; maps and lists of maps do not (structured-merge-diff, EnsureNamedFieldsAreMembers).
 */
export function withNamedParents(type: MergeType, set: FieldSet): FieldSet {
  const result: Record<string, FieldSet> = {};
  if (set[self]) result[self] = set[self];
  for (const element of elements(set)) {
    const inner = set[element]!;
    const below = isBare(inner) ? inner : withNamedParents(typeBelow(type, element), inner);
    const isField = type.kind === "struct" && element.startsWith("f:") && type.fields.has(element.slice(2));
    result[element] = isField ? asMember(below) : below;
  }
  return result;
}

function typeBelow(type: MergeType, element: string): MergeType {
  if (type.kind === "untyped") return type;
  if (element.startsWith("f:")) return typeOfField(type, element.slice(2));
  return type.kind === "keyed" ? type.items : { kind: "leaf" };
}
