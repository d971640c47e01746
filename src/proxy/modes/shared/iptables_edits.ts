/** Changes of iptables' tables, as text that iptables-restore takes. Pure. */

import type { ObservedTables } from "./iptables_saved.ts";
import type { FixedChain, TableName, TableRule } from "./iptables_tables.ts";

/** One transaction of one table: lines as iptables-restore takes them, without "*TABLE" and "COMMIT". */
export interface Section {
  readonly table: TableName;
  readonly lines: readonly string[];
}

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

/** Input of iptables-restore. */
export function restoreInput(sections: readonly Section[]): string {
  return sections.map(({ table, lines }) => `*${table}\n${lines.join("\n")}\nCOMMIT\n`).join("");
}
