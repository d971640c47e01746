/** From the table as it is to the table as it shall be, in one transaction. */
import { listedExpression } from "../../kernel/netlink/nftables/listed.ts";
import type { Expression } from "../../kernel/netlink/nftables/expressions/index.ts";
import type { NftElement, NftTable, NftTableRef } from "../../kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../kernel/netlink/nftables/step.ts";
import type { RenderedTable } from "./render.ts";

/** @param wanted undefined: no table @param observed undefined: there is none */
export function planMasquerade(
  table: NftTableRef,
  observed: NftTable | undefined,
  wanted: RenderedTable | undefined,
): readonly NftStep[] {
  if (!wanted) return observed ? [{ step: "delete table", table }] : [];
  if (observed && !isOfShape(observed, wanted)) {
    return [{ step: "delete table", table }, ...planMasquerade(table, undefined, wanted)];
  }
  return observed ? [...elementSteps(observed, wanted), ...ruleSteps(observed, wanted)] : newTable(wanted);
}

function newTable({ table, set, elements, chain, rules }: RenderedTable): readonly NftStep[] {
  return [
    { step: "add table", table },
    { step: "add set", table, set },
    { step: "add elements", table, set: set.name, elements },
    { step: "add chain", table, chain },
    ...rules.map((expressions): NftStep => ({ step: "add rule", table, chain: chain.name, rule: { expressions } })),
  ];
}

/** What cannot be changed in place, and what nobody of ours put there. */
function isOfShape(observed: NftTable, { set, chain }: RenderedTable): boolean {
  const [there, more] = observed.sets;
  const [chainThere, moreChains] = observed.chains;
  if (!there || more || !chainThere || moreChains) return false;
  const flags = [...(there.flags ?? [])].join();
  const sameSet = there.name === set.name && there.keyLen === set.keyLen && flags === (set.flags ?? []).join();
  const [base, wanted] = [chainThere.base, chain.base!];
  const sameBase = base?.type === wanted.type && base.hook === wanted.hook && base.priority === wanted.priority;
  return sameSet && sameBase && chainThere.name === chain.name && (base.policy ?? "accept") === "accept";
}

/** All at once: the parts of intervals cannot be told apart one by one. */
function elementSteps(observed: NftTable, { table, set, elements }: RenderedTable): readonly NftStep[] {
  if (elementText(observed.sets[0]!.elements) === elementText(elements)) return [];
  return [
    { step: "flush set", table, name: set.name },
    { step: "add elements", table, set: set.name, elements },
  ];
}

/** The kernel lists a set whose first interval does not begin at zero with an end in front of it. */
function elementText(elements: readonly NftElement[]): string {
  return elements
    .map(({ key, flags = [] }) => `${Buffer.from(key ?? []).toString("hex")}${flags.join()}`)
    .filter((text) => !/^0+intervalEnd$/.test(text))
    .sort()
    .join();
}

function ruleSteps(observed: NftTable, { table, chain, rules }: RenderedTable): readonly NftStep[] {
  const there = observed.chains[0]!.rules.map(({ expressions }) => ruleText(expressions));
  if (there.join("\n") === rules.map(ruleText).join("\n")) return [];
  return [
    { step: "flush chain", table, name: chain.name },
    ...rules.map((expressions): NftStep => ({ step: "add rule", table, chain: chain.name, rule: { expressions } })),
  ];
}

function ruleText(expressions: readonly Expression[]): string {
  return JSON.stringify(expressions.map((expression) => ordered(listedExpression(expression))));
}

/** Fields in one order; bytes as they are, whatever holds them. */
function ordered(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, ordered(field)]));
}
