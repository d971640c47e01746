/** Rules: nf_tables_newrule, nf_tables_delrule. */
import { listedExpression } from "../../../netlink/nftables/listed.ts";
import type { Expression } from "../../../netlink/nftables/expressions/index.ts";
import { has } from "../backend.ts";
import { checkExpressions } from "../expressions/index.ts";
import { checkUserdata, errno, needed, Refusal, require } from "../refusal.ts";
import type { FakeChain, FakeRule, FakeSet, FakeTable } from "../ruleset.ts";
import type { Flags, Transaction } from "../transaction.ts";
import { removeSet } from "./sets.ts";
import type { Body, Executor } from "./executor.ts";

export const newRule: Executor<"rule"> = (body, flags, transaction) => {
  checkUserdata(body.userdata);
  const table = transaction.table(body.family, body.table);
  const chain = transaction.chain(table, needed(body.chain));
  const at = place(chain, body, flags);
  const expressions = body.expressions ?? [];
  const references = checkExpressions(expressions, table, transaction);
  const handle = transaction.nextHandle(table);
  const listed = expressions.map((one) => listedExpression(named(one, table, transaction)));
  const userdata = body.userdata ? { userdata: body.userdata } : {};
  if (flags.replace) removeRule(table, chain, at, transaction);
  const rule: FakeRule = { body: { expressions: listed, ...userdata, handle }, handle, references };
  transaction.journal.insert(chain.rules, at, rule);
  transaction.refer(references, 1);
  transaction.unvalidated.add(table);
};

/** Where the rule goes: in the place of another, behind or before one, at the end or at the beginning. */
function place(chain: FakeChain, body: Body<"rule">, flags: Flags): number {
  if (flags.replace) return indexOf(chain, needed(body.handle));
  require(flags.create, errno.EINVAL);
  if (body.position === undefined) return flags.append ? chain.rules.length : 0;
  return indexOf(chain, body.position) + (flags.append ? 1 : 0);
}

function indexOf(chain: FakeChain, handle: number): number {
  const index = chain.rules.findIndex((rule) => rule.handle === handle);
  if (index < 0) throw new Refusal(errno.ENOENT, `the chain has no rule ${handle}`);
  return index;
}

/** A set that was found by its id is listed by its name. */
function named(expression: Expression, table: FakeTable, transaction: Transaction): Expression {
  if (!("setId" in expression) || expression.setId === undefined) return expression;
  const name = "set" in expression ? expression.set : "setName" in expression ? expression.setName : undefined;
  const found = transaction.set(table, name, expression.setId).body.name!;
  return "set" in expression ? { ...expression, set: found } : ({ ...expression, setName: found } as Expression);
}

export function removeRule(table: FakeTable, chain: FakeChain, at: number, transaction: Transaction): void {
  const { references } = chain.rules[at]!;
  transaction.journal.removeAt(chain.rules, at);
  transaction.refer(references, -1);
  for (const set of references.sets) removeAnonymous(table, set, transaction);
}

/** An anonymous set goes with its rule. */
function removeAnonymous(table: FakeTable, set: FakeSet, transaction: Transaction): void {
  if (has(set, "anonymous")) removeSet(table, set, transaction);
}

/** One rule by its handle, every rule of a chain, or of every chain. */
export const delRule: Executor<"rule"> = (body, _flags, transaction) => {
  const table = transaction.table(body.family, body.table);
  if (body.chain === undefined) {
    for (const chain of table.chains.values()) removeAll(table, chain, transaction);
    return;
  }
  const chain = transaction.chain(table, body.chain);
  if (body.handle === undefined) return removeAll(table, chain, transaction);
  removeRule(table, chain, indexOf(chain, body.handle), transaction);
};

function removeAll(table: FakeTable, chain: FakeChain, transaction: Transaction): void {
  while (chain.rules.length > 0) removeRule(table, chain, chain.rules.length - 1, transaction);
}
