/** From what the kernel holds and what it should hold to input of iptables-restore. Pure. */
import type { ObservedTables } from "./decode.ts";
import { chainNames, isPortChain, type TableName } from "./names.ts";
import type { IptablesOptions } from "./options.ts";
import type { RenderedPort, SharedRule } from "./render.ts";
import type { Programmed, Ruleset } from "./ruleset.ts";
import { fixedChains, jumps, lastRules, sharedChains, type FixedChain } from "./table.ts";

/** One transaction of one table: lines as iptables-restore takes them, without "*TABLE" and "COMMIT". */
export interface Section {
  readonly table: TableName;
  readonly lines: readonly string[];
}

/** Differing rules of a shared chain up to which they are changed one by one: each that goes is looked for. */
const oneByOne = 64;

/** What changes, in the order in which a table takes it. */
class TableEdits {
  /** Chains that are made, or emptied. */
  readonly chains: string[] = [];
  readonly rules: string[] = [];
  readonly deletions: string[] = [];
  readonly removed: string[] = [];

  write(chain: string, rules: readonly string[]): void {
    this.chains.push(`:${chain} - [0:0]`);
    for (const rule of rules) this.rules.push(line("-A", chain, rule));
  }

  /** Nobody may jump there any more when it is carried out. */
  remove(chain: string): void {
    this.chains.push(`:${chain} - [0:0]`);
    this.removed.push(`-X ${chain}`);
  }
}

class Edits {
  readonly #tables = new Map<TableName, TableEdits>();

  of(table: TableName): TableEdits {
    let edits = this.#tables.get(table);
    if (!edits) this.#tables.set(table, (edits = new TableEdits()));
    return edits;
  }

  /**
   * Tables are committed one by one: what refuses or drops comes before what translates goes, and goes when what
   * translates has come.
   */
  get sections(): readonly Section[] {
    const [filter, nat, mangle] = [this.of("filter"), this.of("nat"), this.of("mangle")];
    const sections: readonly Section[] = [
      { table: "filter", lines: [...filter.chains, ...filter.rules] },
      { table: "nat", lines: [...descending(nat.chains), ...nat.deletions, ...nat.rules, ...nat.removed] },
      { table: "filter", lines: [...filter.deletions, ...filter.removed] },
      { table: "mangle", lines: [...mangle.chains, ...mangle.rules] },
    ];
    return sections.filter(({ lines }) => lines.length > 0);
  }
}

/** iptables-nft keeps chains sorted, and looks for a new one's place from the front: in any other order that is quadratic. */
function descending(chains: readonly string[]): readonly string[] {
  return [...chains].sort().reverse();
}

/** What changed since the kernel last held what was wanted; nothing else is looked at. */
export function planChanges(ruleset: Ruleset): readonly Section[] {
  const edits = new Edits();
  changeFixed(edits, ruleset.programmed!, ruleset.options);
  for (const [service, before] of ruleset.changes()) changePort(edits, before, ruleset.rendered(service));
  return edits.sections;
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
}

function keyOf({ table, chain, rule }: SharedRule): string {
  return `${table} ${chain} ${rule}`;
}

/** In front: the last rules stay the last, and nothing is looked for. */
function insert(edits: Edits, { table, chain, rule }: SharedRule): void {
  edits.of(table).rules.push(line("-I", chain, rule));
}

function remove(edits: Edits, { table, chain, rule }: SharedRule): void {
  edits.of(table).deletions.push(line("-D", chain, rule));
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
 */
export function* planAll(ruleset: Ruleset, observed: ObservedTables): Generator<void, readonly Section[], void> {
  const edits = new Edits();
  const { options } = ruleset;
  const shared = new Map<string, string[]>(sharedChains.map((chain) => [nameOf(chain), []]));
  const portChains = new Set<string>();
  const there = observed.get("nat") ?? new Map<string, readonly string[]>();
  for (const service of ruleset.claims.services.keys()) {
    const rendered = ruleset.rendered(service);
    for (const [chain, rules] of rendered.chains) {
      portChains.add(chain);
      const was = there.get(chain);
      if (!was || !isSame(was, rules)) edits.of("nat").write(chain, rules);
    }
    for (const one of rendered.shared) shared.get(nameOf(one))!.push(one.rule);
    yield;
  }
  for (const fixed of fixedChains(options)) fixChain(edits, fixed, observed);
  for (const chain of sharedChains) {
    const last = chain.table === "nat" && chain.chain === chainNames.services ? lastRules(options) : [];
    fixShared(edits, { ...chain, rules: shared.get(nameOf(chain))! }, last, observed);
    yield;
  }
  for (const jump of jumps(options)) {
    if (!observed.get(jump.table)?.get(jump.chain)?.includes(jump.rule)) insert(edits, jump);
  }
  for (const chain of there.keys()) {
    if (isPortChain(chain) && !portChains.has(chain)) edits.of("nat").remove(chain);
  }
  return edits.sections;
}

function fixChain(edits: Edits, { table, chain, rules }: FixedChain, observed: ObservedTables): void {
  const was = observed.get(table)?.get(chain);
  if (!was || !isSame(was, rules)) edits.of(table).write(chain, rules);
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
    return edits.of(table).write(chain, [...rules, ...last]);
  }
  for (const rule of come) insert(edits, { table, chain, rule });
  for (const rule of gone) remove(edits, { table, chain, rule });
}

function nameOf({ table, chain }: Pick<FixedChain, "table" | "chain">): string {
  return `${table} ${chain}`;
}

function line(command: "-A" | "-I" | "-D", chain: string, rule: string): string {
  return `${command} ${chain} ${rule}`;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i]);
}

/** Input of iptables-restore. */
export function restoreInput(sections: readonly Section[]): string {
  return sections.map(({ table, lines }) => `*${table}\n${lines.join("\n")}\nCOMMIT\n`).join("");
}
