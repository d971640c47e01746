/** The steps that make a listed table again, under another name. */
import type { Expression } from "../../../../src/kernel/netlink/nftables/expressions/index.ts";
import type { NftSet, NftTable, NftTableRef } from "../../../../src/kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../../src/kernel/netlink/nftables/step.ts";

export function restoreSteps(listed: NftTable, table: NftTableRef): NftStep[] {
  const sets = new Map(listed.sets.map((set, index) => [set.name, templated(set, index + 1)]));
  const { flags, userdata } = listed;
  return [
    { step: "create table", table, ...(flags ? { flags } : {}), ...(userdata ? { userdata } : {}) },
    ...listed.objects.map((object): NftStep => ({ step: "create object", table, object })),
    ...listed.chains.map((chain): NftStep => ({ step: "create chain", table, chain })),
    // An element of one set may lead to a chain, none leads to another set.
    ...listed.sets.flatMap((set): NftStep[] => [
      { step: "create set", table, set: sets.get(set.name)! },
      { step: "create elements", table, set: sets.get(set.name)!.name, elements: set.elements },
    ]),
    ...listed.chains.flatMap((chain) =>
      chain.rules.map((rule): NftStep => {
        const expressions = rule.expressions.map((one) => linked(one, sets));
        return { step: "add rule", table, chain: chain.name, rule: { ...rule, expressions } };
      }),
    ),
  ];
}

/** An anonymous set gets its name from the kernel, and is found by its id until then. */
function templated(set: NftSet & { elements: unknown }, id: number): NftSet {
  const { elements: _, ...rest } = set;
  return set.flags?.includes("anonymous") ? { ...rest, name: set.name.replace(/\d+$/, "%d"), id } : rest;
}

function linked(expression: Expression, sets: ReadonlyMap<string, NftSet>): Expression {
  if (expression.expr !== "lookup") return expression;
  const set = sets.get(expression.set ?? "");
  return set?.id === undefined ? expression : { ...expression, set: set.name, setId: set.id };
}
