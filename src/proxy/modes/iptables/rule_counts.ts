/** How many rules there should be, as upstream's metrics count them: of its own chains in nat and filter. Pure. */
import type { Section } from "../shared/iptables_edits.ts";
import type { RenderedPort } from "./render.ts";

export const countedRuleTables = ["nat", "filter"] as const;
export type CountedRuleTable = (typeof countedRuleTables)[number];

export class RuleCounts {
  readonly #counts: Record<CountedRuleTable, number> = { nat: 0, filter: 0 };

  of(table: CountedRuleTable): number {
    return this.#counts[table];
  }

  reset(): void {
    for (const table of countedRuleTables) this.#counts[table] = 0;
  }

  /** @param table any: others are not counted */
  add(table: string, rules: number): void {
    if (table === "nat" || table === "filter") this.#counts[table] += rules;
  }

  /** @param sign 1: they come; -1: they go */
  addPort({ chains, shared }: RenderedPort, sign: 1 | -1): void {
    for (const rules of chains.values()) this.add("nat", sign * rules.length);
    for (const { table } of shared) this.add(table, sign);
  }
}

/** Rules that are written, of one table. */
export function writtenRules(sections: readonly Section[], of: CountedRuleTable): number {
  let count = 0;
  for (const { table, lines } of sections) {
    if (table === of) for (const line of lines) if (line.startsWith("-A ") || line.startsWith("-I ")) count++;
  }
  return count;
}
