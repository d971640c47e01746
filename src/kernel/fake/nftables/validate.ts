/**
 * Walks the chains that base chains reach (nft_table_validate): how deep jumps go, and whether each
 * expression may stand in the hooks from which it is reached.
 */
import type { Expression } from "../../netlink/nftables/expressions/index.ts";
import { hookNumbers } from "../../netlink/nftables/chain.ts";
import { errno, Refusal, require } from "./refusal.ts";
import { isBase, type FakeChain, type FakeTable } from "./ruleset.ts";

/** NFT_JUMP_STACK_SIZE */
const maxDepth = 16;

interface Walk {
  readonly table: FakeTable;
  readonly type: string;
  readonly hook: string;
  /** The deepest level at which a chain was found good. */
  readonly seen: Map<FakeChain, number>;
}

/** @throws Refusal EMLINK or EOPNOTSUPP */
export function validate(table: FakeTable): void {
  for (const chain of table.chains.values()) {
    if (!isBase(chain)) continue;
    const hook = hookName(table, chain);
    walk(chain, 0, { table, type: chain.body.type ?? "filter", hook, seen: new Map() });
  }
}

function hookName(table: FakeTable, chain: FakeChain): string {
  const number = chain.body.hook?.number;
  return Object.entries(hookNumbers[table.family]).find(([, value]) => value === number)?.[0] ?? "";
}

function walk(chain: FakeChain, level: number, context: Walk): void {
  if (level === maxDepth) throw new Refusal(errno.EMLINK, "jumps are too deep, or go in a circle");
  if ((context.seen.get(chain) ?? -1) >= level) return;
  for (const { body } of chain.rules) {
    for (const expression of body.expressions ?? []) {
      checkPlace(expression, context);
      for (const next of targets(expression, context.table)) walk(next, level + 1, context);
    }
  }
  context.seen.set(chain, level);
}

/** Chains that an expression leads to: its own verdict's, or those of the map that it looks up. */
function targets(expression: Expression, table: FakeTable): FakeChain[] {
  if (expression.expr === "immediate") return [targetOf(table, expression.data?.verdict?.chain)].flat();
  if (expression.expr !== "lookup" || expression.dreg !== 0) return [];
  const set = table.sets.get(expression.set ?? "");
  const names = new Set([...(set?.elements.values() ?? [])].map((element) => element.body.data?.verdict?.chain));
  return [...names].flatMap((name) => targetOf(table, name));
}

function targetOf(table: FakeTable, name: string | undefined): FakeChain[] {
  const chain = name === undefined ? undefined : table.chains.get(name);
  return chain ? [chain] : [];
}

const early = ["prerouting", "input", "forward"];
const late = ["output", "postrouting", "forward"];

/** Hooks that an expression may be reached from; undefined: from all. Each cites nft_<name>_validate. */
function allowedHooks(e: Expression): readonly string[] | undefined {
  switch (e.expr) {
    case "nat":
      return e.type === "snat" ? ["postrouting", "input"] : ["prerouting", "output"];
    case "masq":
      return ["postrouting"];
    case "redir":
      return ["prerouting", "output"];
    case "reject":
      return ["input", "forward", "output", "prerouting", "ingress"];
    case "rt":
      return e.key === "tcpmss" ? ["forward", "output", "postrouting"] : undefined;
    case "fib":
      return fibHooks(e);
    case "tproxy":
      return ["prerouting"];
    case "socket":
      return ["prerouting", "input", "output"];
    case "synproxy":
      return ["input", "forward"];
    case "flow_offload":
      return ["forward"];
    default:
      return undefined;
  }
}

function fibHooks(e: Extract<Expression, { expr: "fib" }>): readonly string[] | undefined {
  if (e.result === "oif" || e.result === "oifname") return early;
  if (e.flags?.includes("iif")) return early;
  return e.flags?.includes("oif") ? late : undefined;
}

function checkPlace(expression: Expression, { type, hook }: Walk): void {
  const needsNat = expression.expr === "nat" || expression.expr === "masq" || expression.expr === "redir";
  require(!needsNat || type === "nat", errno.EOPNOTSUPP, `${expression.expr} needs a chain of type nat`);
  const hooks = allowedHooks(expression);
  require(!hooks || hooks.includes(hook), errno.EOPNOTSUPP, `${expression.expr} cannot be reached from ${hook}`);
}
