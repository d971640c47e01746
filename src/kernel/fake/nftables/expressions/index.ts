/** Checks a rule's expressions one after another, as the kernel does when it takes them. */
import type { Expression, ExpressionName } from "../../../netlink/nftables/expressions/index.ts";
import { errno, Refusal, require } from "../refusal.ts";
import type { FakeTable, References } from "../ruleset.ts";
import type { Transaction } from "../transaction.ts";
import { compute } from "./compute.ts";
import type { Checks, RuleContext } from "./context.ts";
import { load } from "./load.ts";
import { nat } from "./nat.ts";
import { Registers } from "./registers.ts";
import { sets } from "./sets.ts";
import { stateful } from "./stateful.ts";

/** One for every expression that has a codec; a missing one does not compile. */
const checks: Checks<ExpressionName> = { ...load, ...compute, ...sets, ...nat, ...stateful };

/** NFT_RULE_MAXEXPRS */
const maxExpressions = 128;

/** @returns what the rule refers to @throws Refusal */
export function checkExpressions(
  expressions: readonly Expression[],
  table: FakeTable,
  transaction: Transaction,
): References {
  require(expressions.length <= maxExpressions, errno.EINVAL, "too many expressions");
  const context: RuleContext = { transaction, table, registers: new Registers(), chains: [], sets: [], objects: [] };
  for (const expression of expressions) check(expression, context);
  return context;
}

function check(expression: Expression, context: RuleContext): void {
  if (expression.expr === "other") throw new Refusal(errno.ENOENT, `expression ${expression.name} is unknown`);
  (checks[expression.expr] as (expression: Expression, context: RuleContext) => void)(expression, context);
}
