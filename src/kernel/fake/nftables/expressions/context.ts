/** What the checks of a rule's expressions share. */
import type { Expression, ExpressionName } from "../../../netlink/nftables/expressions/index.ts";
import type { FakeChain, FakeSet, FakeTable } from "../ruleset.ts";
import type { Transaction } from "../transaction.ts";
import type { Registers } from "./registers.ts";

export interface RuleContext {
  readonly transaction: Transaction;
  readonly table: FakeTable;
  readonly registers: Registers;
  /** What the rule refers to; the checks fill it. */
  readonly chains: FakeChain[];
  readonly sets: FakeSet[];
  readonly objects: { use: number }[];
}

export type Of<N extends ExpressionName> = Extract<Expression, { expr: N }>;
/** What the kernel checks when it takes an expression (the `init` of its type). @throws Refusal */
export type Check<N extends ExpressionName> = (expression: Of<N>, context: RuleContext) => void;
export type Checks<N extends ExpressionName> = { readonly [K in N]: Check<K> };
