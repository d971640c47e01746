/** x-kubernetes-validations: rules that a value must hold (KEP-2876; apiextensions-apiserver/pkg/apiserver/schema/cel). */
import { isDeepStrictEqual } from "node:util";
import type { Causes } from "../../validation/causes.ts";
import { isRecord, schemaOfField, type Schema } from "../schema/compile.ts";
import { correlated } from "../schema/correlate.ts";
import type { ValidationRule } from "../schema/json_schema.ts";
import { simplePath } from "../simple_path.ts";
import { CostError, engine, maxSteps, type Budget, type Expression } from "./engine.ts";
import { celValue } from "./values.ts";

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

/** The rules of a schema and of those within it. */
interface Node {
  readonly schema: Schema;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, Node>;
  readonly items: Node | undefined;
  readonly additional: Node | undefined;
}

export class Rules {
  readonly #root: Node | undefined;

  /** @throws Error for a rule that cannot be compiled: validated definitions have none such */
  constructor(schema: Schema) {
    this.#root = nodeOf(schema);
  }

  /** @param old undefined for a create */
  validate(object: unknown, old: unknown, out: Causes): void {
    if (this.#root) new RuleWalk(out).node(this.#root, object, old, "", true);
  }
}

/** @returns undefined where no rule stands anywhere below */
function nodeOf(schema: Schema): Node | undefined {
  const properties = new Map<string, Node>();
  for (const [name, property] of schema.properties) {
    const node = nodeOf(property);
    if (node) properties.set(name, node);
  }
  const items = schema.items && nodeOf(schema.items);
  const additional = typeof schema.additional === "object" ? nodeOf(schema.additional) : undefined;
  if (schema.rules.length === 0 && properties.size === 0 && !items && !additional) return undefined;
  return { schema, rules: schema.rules.map(compiledRule), properties, items, additional };
}

function compiledRule(rule: ValidationRule): CompiledRule {
  return {
    rule,
    expression: engine().compile(rule.rule ?? ""),
    message: rule.messageExpression ? engine().compile(rule.messageExpression) : undefined,
  };
}

class RuleWalk {
  readonly #out: Causes;
  readonly #budget: Budget = { steps: maxSteps };

  constructor(out: Causes) {
    this.#out = out;
  }

  node(node: Node, value: unknown, old: unknown, path: string, isResource: boolean): void {
    if (value === null || value === undefined) return;
    if (node.rules.length > 0) this.#rules(node, value, old, path, isResource);
    if (Array.isArray(value)) {
      const before = correlated(node.schema, old);
      value.forEach((item, i) => node.items && this.node(node.items, item, before(item), `${path}[${i}]`, false));
      return;
    }
    if (!isRecord(value)) return;
    const before = isRecord(old) ? old : {};
    for (const [name, inner] of Object.entries(value)) {
      const below = node.properties.get(name) ?? node.additional;
      if (!below) continue;
      const place = path === "" ? name : `${path}.${name}`;
      const isEmbedded = schemaOfField(node.schema, name)?.isEmbedded ?? false;
      this.node(below, inner, Object.hasOwn(before, name) ? before[name] : undefined, place, isEmbedded);
    }
  }

  #rules({ schema, rules }: Node, value: unknown, old: unknown, path: string, isResource: boolean): void {
    // What an update leaves as it is, is judged by what compares it with before alone (KEP-4008).
    const isSame = old !== undefined && isDeepStrictEqual(value, old);
    const self = celValue(value, schema, isResource);
    const oldSelf = old === undefined ? undefined : celValue(old, schema, isResource);
    for (const rule of rules) {
      const compares = rule.expression.usesOldSelf;
      const isOptional = rule.rule.optionalOldSelf === true;
      if (compares ? oldSelf === undefined && !isOptional : isSame) continue;
      this.#rule(rule, typeOf(value), self, isOptional ? engine().optional(oldSelf) : oldSelf, path);
    }
  }

  #rule(compiled: CompiledRule, type: string, self: unknown, oldSelf: unknown, path: string): void {
    const { expression } = compiled;
    try {
      if (expression.evaluate(self, oldSelf, this.#budget) === true) return;
    } catch (error) {
      const isCost = error instanceof CostError || this.#budget.steps < 0;
      const what = isCost
        ? `validation failed due to running out of cost budget, no further validation rules will be run: call cost exceeds limit for rule: ${expression.text}`
        : `${(error as Error).message.split("\n")[0]!} evaluating rule: ${expression.text}`;
      return this.#out.invalid(path === "" ? "<nil>" : path, type, what);
    }
    this.#failed(compiled, type, path, this.#message(compiled, self, oldSelf));
  }

  #message({ rule, message }: CompiledRule, self: unknown, oldSelf: unknown): string {
    const plain = rule.message?.trim() || `failed rule: ${(rule.rule ?? "").trim()}`;
    if (!message) return plain;
    try {
      const text = message.evaluate(self, oldSelf, this.#budget);
      const isUsable =
        typeof text === "string" && text.trim() !== "" && !text.includes("\n") && text.length <= maxMessage;
      return isUsable ? text.trim() : plain;
    } catch {
      return plain;
    }
  }

  #failed({ rule }: CompiledRule, type: string, path: string, message: string): void {
    const field = `${path}${pathOf(rule.fieldPath)}`.replace(/^\./, "");
    switch (rule.reason) {
      case "FieldValueRequired":
        return this.#out.required(field, message);
      case "FieldValueForbidden":
        return this.#out.forbidden(field, message);
      case "FieldValueDuplicate":
        return this.#out.duplicate(field, type, message);
      default:
        return this.#out.invalid(field === "" ? "<nil>" : field, type, message);
    }
  }
}

/** Characters of a message that a rule makes. */
const maxMessage = 5 * 1024;

function pathOf(fieldPath: string | undefined): string {
  const names = fieldPath === undefined ? undefined : simplePath(fieldPath);
  return names ? names.map((name) => `.${name}`).join("") : "";
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}
