/**
 * The JSONPath of printer columns and of scale paths (client-go's util/jsonpath without its
 * templates): names, escaped names, indexes, slices, wildcards, descent and filters. It is parsed
 * into steps, never evaluated as code.
 */

type Step =
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "all" }
  | { readonly kind: "descend" }
  | { readonly kind: "slice"; readonly from: number | undefined; readonly to: number | undefined; readonly by: number }
  | { readonly kind: "filter"; readonly left: Operand; readonly operator?: Operator; readonly right?: Operand };

type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=";
type Operand = { readonly path: readonly Step[] } | { readonly literal: string | number | boolean };

/** Values that a path leads to, in order. */
export type JsonPath = (object: unknown) => unknown[];

/** Longest path that is taken. */
const maxLength = 1024;

/** @throws Error that says what is wrong with the path */
export function jsonPath(text: string): JsonPath {
  const steps = parsePath(text);
  return (object) => walk([object], steps);
}

function parsePath(text: string): readonly Step[] {
  if (text.length > maxLength) throw new Error("the path is too long");
  // "{.a}", "$.a" and ".a" are one path.
  const bare = text
    .trim()
    .replace(/^\{(.*)\}$/s, "$1")
    .trim();
  const parser = new Parser(bare.replace(/^[$@]/, ""));
  const steps = parser.steps();
  if (!parser.atEnd) throw new Error(`unrecognized character in '${text}'`);
  return steps;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  steps(): Step[] {
    const steps: Step[] = [];
    while (!this.atEnd) {
      if (this.#takes("..")) {
        steps.push({ kind: "descend" });
        if (this.#text[this.#at] !== "[") steps.push(this.#name());
      } else if (this.#takes(".")) {
        if (!this.atEnd && this.#text[this.#at] !== "[") steps.push(this.#name());
      } else if (this.#takes("[")) steps.push(this.#bracket());
      else if (steps.length === 0) steps.push(this.#name());
      else break;
    }
    return steps;
  }

  #takes(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  /** A name ends at '.', '[' or a character that is none of a name; '\' takes the next one as it is. */
  #name(): Step {
    if (this.#takes("*")) return { kind: "all" };
    let name = "";
    for (; !this.atEnd; this.#at++) {
      const character = this.#text[this.#at]!;
      if (character === "\\") name += this.#text[++this.#at] ?? "";
      else if (/[.[\]\s()=<>!,'"@{}]/.test(character)) break;
      else name += character;
    }
    if (name === "") throw new Error(`a name is missing in '${this.#text}'`);
    return { kind: "field", name };
  }

  #bracket(): Step {
    const end = this.#closing();
    const inside = this.#text.slice(this.#at, end).trim();
    this.#at = end + 1;
    if (inside === "*") return { kind: "all" };
    const quoted = /^'((?:[^'\\]|\\.)*)'$/s.exec(inside) ?? /^"((?:[^"\\]|\\.)*)"$/s.exec(inside);
    if (quoted) return { kind: "field", name: quoted[1]!.replace(/\\(.)/gs, "$1") };
    const filter = /^\?\((.*)\)$/s.exec(inside);
    if (filter) return filterOf(filter[1]!);
    const slice = /^(-?\d+)?(?:(:)(-?\d+)?)?(?::(\d+)?)?$/.exec(inside);
    if (!slice || inside === "") throw new Error(`invalid array index ${inside}`);
    return sliceOf(slice);
  }

  /** Where the bracket ends that has just been opened; one within quotes does not count. */
  #closing(): number {
    let depth = 1;
    let quote = "";
    for (let i = this.#at; i < this.#text.length; i++) {
      const character = this.#text[i]!;
      if (character === "\\") i++;
      else if (quote !== "") quote = character === quote ? "" : quote;
      else if (character === "'" || character === '"') quote = character;
      else if (character === "[") depth++;
      else if (character === "]" && --depth === 0) return i;
    }
    throw new Error("unterminated array");
  }
}

function sliceOf([, from, isRange, to, by]: RegExpExecArray): Step {
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const start = number(from);
  if (isRange === undefined) {
    return { kind: "slice", from: start, to: start === -1 ? undefined : (start ?? 0) + 1, by: 1 };
  }
  return { kind: "slice", from: start, to: number(to), by: Math.max(number(by) ?? 1, 1) };
}

function filterOf(text: string): Step {
  const parts = /^(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)$/s.exec(outsideQuotes(text) ? text : "");
  if (!parts) return { kind: "filter", left: operand(text) };
  const [, left, operator, right] = parts;
  return { kind: "filter", left: operand(left!), operator: operator as Operator, right: operand(right!) };
}

/** Whether an operator stands outside of quotes. */
function outsideQuotes(text: string): boolean {
  return /==|!=|<|>/.test(text.replace(/'[^']*'|"[^"]*"/g, ""));
}

function operand(text: string): Operand {
  const trimmed = text.trim();
  if (trimmed.startsWith("@") || trimmed.startsWith("$")) return { path: parsePath(trimmed) };
  const quoted = /^'(.*)'$/s.exec(trimmed) ?? /^"(.*)"$/s.exec(trimmed);
  if (quoted) return { literal: quoted[1]! };
  if (trimmed === "true" || trimmed === "false") return { literal: trimmed === "true" };
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return { literal: Number(trimmed) };
  throw new Error(`unrecognized filter operand '${trimmed}'`);
}

function walk(values: readonly unknown[], steps: readonly Step[]): unknown[] {
  let current = [...values];
  for (const step of steps) current = current.flatMap((value) => taken(value, step));
  return current;
}

function taken(value: unknown, step: Step): unknown[] {
  switch (step.kind) {
    case "field":
      return isMap(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case "all":
      return children(value);
    case "descend":
      return descendants(value);
    case "slice":
      return Array.isArray(value) ? sliced(value as unknown[], step) : [];
    case "filter":
      return Array.isArray(value) ? (value as unknown[]).filter((item) => passes(item, step)) : [];
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return isMap(value) ? Object.values(value) : [];
}

function descendants(value: unknown): unknown[] {
  return [value, ...children(value).flatMap(descendants)];
}

function sliced(list: readonly unknown[], { from, to, by }: Extract<Step, { kind: "slice" }>): unknown[] {
  return list.slice(from ?? 0, to ?? list.length).filter((_item, i) => i % by === 0);
}

function passes(item: unknown, { left, operator, right }: Extract<Step, { kind: "filter" }>): boolean {
  const a = valueOf(left, item);
  if (operator === undefined || right === undefined) return a !== undefined;
  const b = valueOf(right, item);
  if (a === undefined || b === undefined) return false;
  switch (operator) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    default:
      return typeof a === typeof b && ordered(a as number, b as number, operator);
  }
}

function ordered(a: number, b: number, operator: "<" | "<=" | ">" | ">="): boolean {
  if (operator === "<") return a < b;
  if (operator === "<=") return a <= b;
  return operator === ">" ? a > b : a >= b;
}

function valueOf(operand: Operand, item: unknown): unknown {
  return "literal" in operand ? operand.literal : walk([item], operand.path)[0];
}
