/** From what the kernel holds and what it should hold to input of iptables-restore. Pure. */
import {
  cheapest,
  Edits,
  fixChain,
  insert,
  insertMissing,
  isSame,
  line,
  remove,
  type Section,
} from "../shared/iptables_edits.ts";
import type { ObservedTables } from "../shared/iptables_saved.ts";
import type { FixedChain, TableRule } from "../shared/iptables_tables.ts";
import { chainNames, isPortChain } from "./names.ts";
import type { IptablesOptions } from "./options.ts";
import type { RenderedPort } from "./render.ts";
import { RuleCounts } from "./rule_counts.ts";
import type { Programmed, Ruleset } from "./ruleset.ts";
import { fixedChains, jumps, lastRules, sharedChains } from "./table.ts";

/** Differing rules of a shared chain up to which they are changed one by one: each that goes is looked for. */
const oneByOne = 64;

/**
 * What changed since the kernel last held what was wanted; nothing else is looked at.
 *
 * @param counts of what it last held; then of what is wanted
 */
export function planChanges(ruleset: Ruleset, counts = new RuleCounts()): readonly Section[] {
  const edits = new Edits();
  const { options: before } = ruleset.programmed!;
  changeFixed(edits, ruleset.programmed!, ruleset.options);
  if (before !== ruleset.options) {
    addFixed(counts, before, -1);
    addFixed(counts, ruleset.options, 1);
  }
  for (const [service, had] of ruleset.changes()) {
    const has = ruleset.rendered(service);
    changePort(edits, had, has);
    counts.addPort(had, -1);
    counts.addPort(has, 1);
  }
  return edits.sections;
}

function addFixed(counts: RuleCounts, options: IptablesOptions, sign: 1 | -1): void {
  for (const { table, rules } of fixedChains(options)) counts.add(table, sign * rules.length);
  counts.add("nat", sign * lastRules(options).length);
}

function changePort(edits: Edits, before: RenderedPort, after: RenderedPort): void {
  const nat = edits.of("nat");
  for (const [chain, rules] of after.chains) {
    const was = before.chains.get(chain);
    if (!was || !isSame(was, rules)) nat.write(chain, rules);
  }
  for (const chain of before.chains.keys()) if (!after.chains.has(chain)) nat.remove(chain);
  const [had, has] = [new Set(before.shared.map(keyOf)), new Set(after.shared.map(keyOf))];
  for (const shared of before.shared) if (!has.has(keyOf(shared))) remove(edits, shared);
  for (const shared of after.shared) if (!had.has(keyOf(shared))) insert(edits, shared);
  nat.mayEnd();
}

function keyOf({ table, chain, rule }: TableRule): string {
  return `${table} ${chain} ${rule}`;
}

function changeFixed(edits: Edits, { options: before }: Programmed, options: IptablesOptions): void {
  if (before === options) return;
  const had = new Map(fixedChains(before).map((fixed) => [nameOf(fixed), fixed]));
  for (const fixed of fixedChains(options)) {
    const was = had.get(nameOf(fixed));
    if (!was || !isSame(was.rules, fixed.rules)) edits.of(fixed.table).write(fixed.chain, fixed.rules);
  }
  const jumpsBefore = new Set(jumps(before).map(keyOf));
  for (const jump of jumps(options)) if (!jumpsBefore.has(keyOf(jump))) insert(edits, jump);
  if (isSame(lastRules(before), lastRules(options))) return;
  const chain = chainNames.services;
  for (const rule of lastRules(before)) remove(edits, { table: "nat", chain, rule });
  for (const rule of lastRules(options)) edits.of("nat").rules.push(line("-A", chain, rule));
}

/**
 * All rules against what was observed: at the start, and after anything that nobody understands. What is right already
 * is left as it is; of others' rules nothing is touched but what stands in chains of ours. Bit by bit.
 *
 * @param counts then of what is wanted
 */
export function* planAll(
  ruleset: Ruleset,
  observed: ObservedTables,
  counts = new RuleCounts(),
): Generator<void, readonly Section[], void> {
  const edits = new Edits();
  const { options } = ruleset;
  counts.reset();
  addFixed(counts, options, 1);
  const shared = new Map<string, string[]>(sharedChains.map((chain) => [nameOf(chain), []]));
  const portChains = new Set<string>();
  const there = observed.get("nat") ?? new Map<string, readonly string[]>();
  // What those of service ports jump to.
  for (const fixed of fixedChains(options)) fixChain(edits, fixed, observed);
  for (const service of ruleset.claims.services.keys()) {
    const rendered = ruleset.rendered(service);
    counts.addPort(rendered, 1);
    for (const [chain, rules] of rendered.chains) {
      portChains.add(chain);
      const was = there.get(chain);
      if (!was || !isSame(was, rules)) edits.of("nat").write(chain, rules);
    }
    for (const one of rendered.shared) shared.get(nameOf(one))!.push(one.rule);
    edits.of("nat").mayEnd();
    yield;
  }
  for (const chain of sharedChains) {
    const last = chain.table === "nat" && chain.chain === chainNames.services ? lastRules(options) : [];
    fixShared(edits, { ...chain, rules: shared.get(nameOf(chain))! }, last, observed);
    yield;
  }
  insertMissing(edits, jumps(options), observed);
  for (const chain of there.keys()) {
    if (isPortChain(chain) && !portChains.has(chain)) edits.of("nat").remove(chain);
  }
  return edits.sections;
}

/** Rules of many service ports: few that differ are changed one by one. */
function fixShared(
  edits: Edits,
  { table, chain, rules }: FixedChain,
  last: readonly string[],
  observed: ObservedTables,
): void {
  const was = observed.get(table)?.get(chain);
  const first = was?.slice(0, was.length - last.length) ?? [];
  const isOrdered = was !== undefined && isSame(was.slice(first.length), last);
  if (isOrdered && isSame([...first].sort(), [...rules].sort())) return;
  const [had, wanted] = [new Set(first), new Set(rules)];
  const come = rules.filter((rule) => !had.has(rule));
  const gone = first.filter((rule) => !wanted.has(rule));
  if (!isOrdered || had.size !== first.length || come.length + gone.length > oneByOne) {
    return edits.of(table).write(chain, [...cheapest(rules), ...last]);
  }
  for (const rule of come) insert(edits, { table, chain, rule });
  for (const rule of gone) remove(edits, { table, chain, rule });
}

function nameOf({ table, chain }: Pick<FixedChain, "table" | "chain">): string {
  return `${table} ${chain}`;
}
