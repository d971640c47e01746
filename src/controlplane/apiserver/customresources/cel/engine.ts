/**
 * Expressions of rules: parsed and checked when a definition is written, evaluated with a bound on
 * their steps. The library is @marcbachmann/cel-js; regular expressions run in linear time.
 */
import type { Environment, ParseResult } from "@marcbachmann/cel-js";
import { load } from "../../load.ts";
import { patternOf } from "../schema/patterns.ts";
import { registerLibraries } from "./libraries.ts";

/** Steps of all rules of one object together: some tenths of a second. */
export const maxSteps = 1_000_000;

export class CostError extends Error {}

/** What the bound on steps takes hold of: the library calls `run` for every node that it evaluates. */
interface Evaluator {
  run(node: { evaluate(evaluator: Evaluator, node: unknown, context: unknown): unknown }, context: unknown): unknown;
}

export interface Expression {
  readonly text: string;
  /** "bool", "string", "dyn" */
  readonly type: string;
  readonly usesOldSelf: boolean;
  /** @throws Error that says what went wrong, CostError */
  evaluate(self: unknown, oldSelf: unknown, budget: Budget): unknown;
}

/** Steps that are left. */
export interface Budget {
  steps: number;
}

class Engine {
  readonly #environment: Environment;
  #budget: Budget = { steps: 0 };

  constructor() {
    const limits = { maxAstNodes: 5000, maxDepth: 100 };
    const { Environment } = load("@marcbachmann/cel-js");
    const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits });
    const bound = (evaluator: Evaluator): void => this.#bound(evaluator);
    environment.registerFunction(`${linearMatches}(string, string): bool`, (text: string, pattern: string) =>
      patternOf(pattern).test(text),
    );
    environment.registerFunction({
      name: linearMatches,
      receiverType: "string",
      returnType: "bool",
      handler: (text: string, pattern: string) => patternOf(pattern).test(text),
      params: [{ name: "pattern", type: "string" }],
    });
    environment.registerFunction(`${holdEvaluator}(): bool`, function (this: Evaluator) {
      bound(this);
      return true;
    });
    registerLibraries(environment);
    environment.registerVariable("self", "dyn").registerVariable("oldSelf", "dyn");
    this.#environment = environment;
    environment.evaluate(`${holdEvaluator}()`);
  }

  /** @throws Error that says what is wrong with the expression */
  compile(text: string): Expression {
    const parsed: ParseResult = this.#environment.parse(withLinearMatches(text));
    const checked = parsed.check();
    if (!checked.valid) throw checked.error ?? new Error("the expression is not valid");
    return {
      text,
      type: checked.type ?? "dyn",
      usesOldSelf: names(text, "oldSelf"),
      evaluate: (self, oldSelf, budget) => {
        this.#budget = budget;
        return parsed({ self, oldSelf }) as unknown;
      },
    };
  }

  /** An optional value, for rules that are asked for even where there is no old one. */
  optional(value: unknown): unknown {
    this.#budget = { steps: 10 };
    const text = value === undefined ? "optional.none()" : "optional.of(self)";
    return this.#environment.evaluate(text, { self: value }) as unknown;
  }

  #bound(evaluator: Evaluator): void {
    evaluator.run = (node, context) => {
      if (--this.#budget.steps < 0) throw new CostError("call cost exceeds limit");
      return node.evaluate(evaluator, node, context);
    };
  }
}

const linearMatches = "matchesInLinearTime";
const holdEvaluator = "holdEvaluator";

/** Strings and comments, which are kept as they are. */
const literal = `"""[\\s\\S]*?"""|'''[\\s\\S]*?'''|[rR]"[^"]*"|[rR]'[^']*'|"(?:\\\\.|[^"\\\\])*"|'(?:\\\\.|[^'\\\\])*'|//[^\\n]*`;

/** The library's own `matches` backtracks. */
function withLinearMatches(text: string): string {
  const pattern = new RegExp(`(${literal})|\\bmatches(?=\\s*\\()`, "g");
  return text.replace(pattern, (_, kept: string | undefined) => kept ?? linearMatches);
}

function names(text: string, variable: string): boolean {
  const pattern = new RegExp(`(?:${literal})|(\\.\\s*)?\\b(${variable})\\b`, "g");
  return [...text.matchAll(pattern)].some(([, field, name]) => name !== undefined && field === undefined);
}

let shared: Engine | undefined;

/** One for all rules: they share their functions, and nothing runs at the same time. Made for the first rule. */
export function engine(): Engine {
  return (shared ??= new Engine());
}
