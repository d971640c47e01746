/**
 * Sets of fields in the form of FieldsV1 (KEP-555): a tree of objects whose keys are path elements, `f:name`,
 * `k:{"name":"x"}`, `v:"x"`, `i:0`. A node belongs to the set where it is empty or holds "."; the root never does.
 * All functions leave their arguments as they are and may share parts of them.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

export const self = ".";
const bare: FieldSet = Object.freeze({});

export function isBare(node: FieldSet): boolean {
  for (const _ in node) return false;
  return true;
}

/** Whether a node, not the root, is a member itself. */
export function isMember(node: FieldSet): boolean {
  return self in node || isBare(node);
}

/** The node as a member; undefined is a node that was not there. */
export function asMember(node: FieldSet | undefined): FieldSet {
  if (!node || isBare(node)) return bare;
  return self in node ? node : { [self]: bare, ...node };
}

/** A node of a membership and children; undefined where nothing is left. */
function nodeOf(member: boolean, children: Record<string, FieldSet>): FieldSet | undefined {
  if (isBare(children)) return member ? bare : undefined;
  return member ? { [self]: bare, ...children } : children;
}

/** Path elements below a node. */
export function elements(node: FieldSet): string[] {
  return Object.keys(node).filter((key) => key !== self);
}

/** In either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isBare(b)) return a;
  if (isBare(a)) return b;
  const result: Record<string, FieldSet> = { ...a };
  for (const key in b) {
    if (key === self) continue;
    const mine = result[key];
    result[key] = mine ? unionOfNodes(mine, b[key]!) : b[key]!;
  }
  return result;
}

function unionOfNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (isBare(b)) return asMember(a);
  if (isBare(a)) return asMember(b);
  const children = union(a, b);
  return isMember(b) ? asMember(children) : children;
}

/** In both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return { ...childrenOf(a, (key, node) => (b[key] ? intersectionOfNodes(node, b[key]) : undefined)) };
}

function intersectionOfNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const children = childrenOf(a, (key, node) => (b[key] ? intersectionOfNodes(node, b[key]) : undefined));
  return nodeOf(isMember(a) && isMember(b), children);
}

/** In the first and not in the second: a parent and its children are members apart. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isBare(b)) return a;
  return childrenOf(a, (key, node) => (b[key] ? differenceOfNodes(node, b[key]) : node));
}

function differenceOfNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const children = childrenOf(a, (key, node) => (b[key] ? differenceOfNodes(node, b[key]) : node));
  return nodeOf(isMember(a) && !isMember(b), children);
}

function childrenOf(a: FieldSet, of: (key: string, node: FieldSet) => FieldSet | undefined): Record<string, FieldSet> {
  const result: Record<string, FieldSet> = {};
  for (const key in a) {
    if (key === self) continue;
    const node = of(key, a[key]!);
    if (node) result[key] = node;
  }
  return result;
}

export function equal(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  for (const key in a) {
    const other = b[key];
    if (!other || !equal(a[key]!, other)) return false;
  }
  for (const key in b) if (!a[key]) return false;
  return true;
}

/** The same set with its elements in ascending order, as they are stored. */
export function sorted(node: FieldSet): FieldSet {
  const keys = Object.keys(node);
  if (keys.length === 0) return node;
  const result: Record<string, FieldSet> = {};
  for (const key of keys.sort()) result[key] = sorted(node[key]!);
  return result;
}

/** All members, each as its path, parents first. */
export function paths(set: FieldSet): string[] {
  const found: string[] = [];
  walk(set, "", found);
  return found;
}

function walk(node: FieldSet, path: string, found: string[]): void {
  for (const key of elements(node).sort()) {
    const child = node[key]!;
    const place = path + pathOf(key);
    if (isMember(child)) found.push(place);
    walk(child, place, found);
  }
}

/** A path element as people read it: `.spec`, `[name="x"]`, `[="x"]`, `[0]`. */
export function pathOf(element: string): string {
  const value = element.slice(2);
  switch (element.slice(0, 2)) {
    case "f:":
      return `.${value}`;
    case "k:": {
      const keys = Object.entries(JSON.parse(value) as Record<string, unknown>);
      return `[${keys.map(([name, key]) => `${name}=${JSON.stringify(key)}`).join(",")}]`;
    }
    case "v:":
      return `[=${value}]`;
    default:
      return `[${value}]`;
  }
}

/** Most levels of a set that a client hands in. */
const maxDepth = 128;

/** A set as a client gives it, in the canonical form; undefined where it is none. */
export function parsedFields(value: unknown, depth = 0): FieldSet | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > maxDepth) return undefined;
  const result: Record<string, FieldSet> = {};
  for (const [key, inner] of Object.entries(value)) {
    const element = key === self ? self : canonicalElement(key);
    const node = element === undefined ? undefined : parsedFields(inner, depth + 1);
    if (element === undefined || !node) return undefined;
    result[element] = node;
  }
  return result;
}

function canonicalElement(element: string): string | undefined {
  const value = element.slice(2);
  if (element.startsWith("f:")) return element;
  if (element.startsWith("i:")) return /^-?\d+$/.test(value) ? element : undefined;
  const parsed = parsedJson(value);
  if (parsed === undefined) return undefined;
  if (element.startsWith("v:")) return `v:${JSON.stringify(parsed)}`;
  if (!element.startsWith("k:") || typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    return undefined;
  return keyElement(Object.entries(parsed).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The element of a list's item. @param keys in ascending order of their names */
export function keyElement(keys: readonly (readonly [string, unknown])[]): string {
  let text = "k:{";
  for (const [name, value] of keys) {
    if (text.length > 3) text += ",";
    text += `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return `${text}}`;
}
