/** Keeps one family's chains of iptables as its ruleset wants them. What was written is known: nothing is listed in the loop. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { IptablesPort } from "../../kernel/ports.ts";
import type { FrontendCount } from "../../model/service.ts";
import { paced } from "../../reconcile/pace.ts";
import { countedTables, countsOf } from "../modes/iptables/counts.ts";
import { decodeSaved, type ObservedTables } from "../modes/iptables/decode.ts";
import { planAll, planChanges, restoreInput, type Section } from "../modes/iptables/plan.ts";
import type { Ruleset } from "../modes/iptables/ruleset.ts";
import { canaries } from "../modes/iptables/table.ts";
import { chainNames } from "../modes/iptables/names.ts";

/** How often all is observed and planned anew in one call, when others change it meanwhile. */
const repairAttempts = 3;

export class IptablesChains {
  readonly #port: IptablesPort;
  readonly #ruleset: Ruleset;
  /** What the kernel holds is not known: an answer that was lost says nothing of what was carried out. */
  #unsure = true;

  /** @param ruleset of nothing else than this object */
  constructor(port: IptablesPort, ruleset: Ruleset) {
    this.#port = port;
    this.#ruleset = ruleset;
  }

  /**
   * Writes what changed. Where that is refused the chains are not what they were taken for: they are observed.
   *
   * @returns lines that were carried out
   * @throws FairleadError NATIVE_CALL: nothing is lost, the next call tries again
   */
  async sync(): Promise<number> {
    if (this.#unsure) return this.repair();
    const sections = planChanges(this.#ruleset);
    // What changes while these are written goes with the next ones.
    this.#ruleset.clean();
    if (sections.length === 0) return 0;
    this.#unsure = true;
    try {
      await this.#port.restore(restoreInput(sections));
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      return this.repair();
    }
    this.#unsure = false;
    return lengthOf(sections);
  }

  /** Observes everything and corrects what is not as it should be: at the start, and when somebody changed it. */
  async repair(): Promise<number> {
    this.#unsure = true;
    for (let attempt = 1; ; attempt++) {
      try {
        const observed = await this.#observe();
        const sections = await paced(planAll(this.#ruleset, observed));
        this.#ruleset.clean();
        if (sections.length > 0) await this.#port.restore(restoreInput(sections));
        this.#unsure = false;
        return lengthOf(sections);
      } catch (error) {
        if (!(error instanceof FairleadError) || attempt === repairAttempts) throw error;
      }
    }
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
