/** Keeps one family's chains of iptables as its ruleset wants them. What was written is known: nothing is listed in the loop. */
import type { IptablesPort } from "../../kernel/ports.ts";
import type { FrontendCount } from "../../model/service.ts";
import { paced } from "../../reconcile/pace.ts";
import { countedTables, countsOf } from "../modes/iptables/counts.ts";
import { planAll, planChanges } from "../modes/iptables/plan.ts";
import type { Ruleset } from "../modes/iptables/ruleset.ts";
import { canaries } from "../modes/iptables/table.ts";
import { chainNames } from "../modes/iptables/names.ts";
import { restoreInput, type Section } from "../modes/shared/iptables_edits.ts";
import { decodeSaved, type ObservedTables } from "../modes/shared/iptables_saved.ts";
import { KeptRules } from "./kept_rules.ts";

export class IptablesChains {
  readonly #port: IptablesPort;
  readonly #ruleset: Ruleset;
  readonly #kept: KeptRules<readonly Section[]>;

  /** @param ruleset of nothing else than this object */
  constructor(port: IptablesPort, ruleset: Ruleset) {
    this.#port = port;
    this.#ruleset = ruleset;
    this.#kept = new KeptRules(
      {
        changes: () => this.#changes(),
        differences: () => this.#differences(),
        lengthOf,
        write: (sections) => port.restore(restoreInput(sections)),
      },
      { unsure: true },
    );
  }

  /** Chains are shared with whatever kube-proxy was here: the first sync must know every Service. */
  adopt(): Promise<boolean> {
    return Promise.resolve(true);
  }

  sync(): Promise<number> {
    return this.#kept.sync();
  }

  repair(): Promise<number> {
    return this.#kept.repair();
  }

  #changes(): readonly Section[] {
    const sections = planChanges(this.#ruleset);
    this.#ruleset.clean();
    return sections;
  }

  async #differences(): Promise<readonly Section[]> {
    const observed = await this.#observe();
    const sections = await paced(planAll(this.#ruleset, observed));
    this.#ruleset.clean();
    return sections;
  }

  async #observe(): Promise<ObservedTables> {
    const tables = new Map();
    for (const table of canaries) {
      for (const entry of await paced(decodeSaved(await this.#port.list(table)))) tables.set(...entry);
    }
    return tables;
  }

  /** Whether nobody has emptied the tables (upstream: utiliptables.Monitor). */
  async hasCanaries(): Promise<boolean> {
    for (const table of canaries) if (!(await this.#port.hasChain(table, chainNames.canary))) return false;
    return true;
  }

  /** What the kernel has counted of each frontend. Reads every rule. */
  async counts(): Promise<readonly FrontendCount[]> {
    const saved: string[] = [];
    for (const table of countedTables) saved.push(await this.#port.list(table, { counters: true }));
    return paced(countsOf(this.#ruleset, saved.join("")));
  }
}

function lengthOf(sections: readonly Section[]): number {
  return sections.reduce((sum, { lines }) => sum + lines.length, 0);
}
