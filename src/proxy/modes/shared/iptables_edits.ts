/** Changes of iptables' tables, as text that iptables-restore takes. Pure. */

import type { ObservedTables } from "./iptables_saved.ts";
import type { FixedChain, TableName, TableRule } from "./iptables_tables.ts";

/** One transaction of one table: lines as iptables-restore takes them, without "*TABLE" and "COMMIT". */
export interface Section {
  readonly table: TableName;
  readonly lines: readonly string[];
}

/** Chains that are made, or emptied, and rules. */
interface Part {
  readonly chains: string[];
  readonly rules: string[];
}

/**
 * Chains from which on a part is written for itself. iptables-nft walks a list of all chains that a transaction names for
 * each of its rules (nft-cache.c, cache_chain_list_insert): 10,000 Services at once would take it minutes.
 */
export const chainsOfPart = 600;

/** What changes, in the order in which a table takes it. */
class TableEdits {
  /** Each can be written before the next ones, and before all below. */
  readonly #parts: Part[] = [];
  chains: string[] = [];
  rules: string[] = [];
  readonly deletions: string[] = [];
  /** Chains that go: emptied with the last part, when nobody jumps there any more. */
  readonly gone: string[] = [];

  write(chain: string, rules: readonly string[]): void {
    this.chains.push(`:${chain} - [0:0]`);
    for (const rule of rules) this.rules.push(line("-A", chain, rule));
  }

  /** Nobody may jump there any more when it is carried out. Of nat. */
  remove(chain: string): void {
    this.gone.push(chain);
  }

  /** What was written so far names no chain that is written later: a part may end here. */
  mayEnd(): void {
    if (this.chains.length < chainsOfPart) return;
    this.#parts.push({ chains: this.chains, rules: this.rules });
    [this.chains, this.rules] = [[], []];
  }

  get removed(): readonly string[] {
    return this.gone.map((chain) => `-X ${chain}`);
  }

  /** Lines of each transaction. */
  get transactions(): readonly (readonly string[])[] {
    const emptied = this.gone.map((chain) => `:${chain} - [0:0]`);
    return [
      ...this.#parts.map(({ chains, rules }) => [...descending(chains), ...rules]),
      [...descending([...this.chains, ...emptied]), ...this.deletions, ...this.rules, ...this.removed],
    ];
  }
}

export class Edits {
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
      ...nat.transactions.map((lines): Section => ({ table: "nat", lines })),
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

/** In front: the last rules stay the last, and nothing is looked for. */
export function insert(edits: Edits, { table, chain, rule }: TableRule): void {
  edits.of(table).rules.push(line("-I", chain, rule));
}

export function remove(edits: Edits, { table, chain, rule }: TableRule): void {
  edits.of(table).deletions.push(line("-D", chain, rule));
}

/** Writes it where it is not there just so. */
export function fixChain(edits: Edits, { table, chain, rules }: FixedChain, observed: ObservedTables): void {
  const was = observed.get(table)?.get(chain);
  if (!was || !isSame(was, rules)) edits.of(table).write(chain, rules);
}

/** Rules of chains that are others'. */
export function insertMissing(edits: Edits, rules: readonly TableRule[], observed: ObservedTables): void {
  for (const rule of rules) {
    if (!observed.get(rule.table)?.get(rule.chain)?.includes(rule.rule)) insert(edits, rule);
  }
}

export function line(command: "-A" | "-I" | "-D", chain: string, rule: string): string {
  return `${command} ${chain} ${rule}`;
}

export function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i]);
}

/** Rules whose order means nothing, so that iptables-nft finds the chains that they name in front of its list. */
export function cheapest(rules: readonly string[]): readonly string[] {
  if (rules.length < chainsOfPart) return rules;
  const target = (rule: string): string => rule.slice(rule.lastIndexOf("-j "));
  const byTarget = rules.map((rule) => [target(rule), rule] as const);
  return byTarget.sort(([a], [b]) => (a < b ? 1 : a > b ? -1 : 0)).map(([, rule]) => rule);
}

/** As one where they follow one another in a table. */
export function joinSections(sections: readonly Section[]): readonly Section[] {
  const joined: { table: TableName; lines: string[] }[] = [];
  for (const { table, lines } of sections) {
    const last = joined.at(-1);
    if (last?.table === table) for (const line of lines) last.lines.push(line);
    else joined.push({ table, lines: [...lines] });
  }
  return joined;
}

/** Input of iptables-restore. */
export function restoreInput(sections: readonly Section[]): string {
  return sections.map(({ table, lines }) => `*${table}\n${lines.join("\n")}\nCOMMIT\n`).join("");
}
