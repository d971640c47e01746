/** Keeps one family's table as its ruleset wants it. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { NftElement } from "../../kernel/netlink/nftables/state.ts";
import type { NftablesPort } from "../../kernel/ports.ts";
import type { FrontendCount } from "../../model/service.ts";
import { countedSets, countsOf } from "../modes/nftables/counts.ts";
import { observedElementsInParts, planChanges, planTableInParts, tableOf } from "../modes/nftables/plan.ts";
import type { Ruleset } from "../modes/nftables/ruleset.ts";
import { paced } from "../../reconcile/pace.ts";

/** How often the table is observed and planned anew in one call, when others change it meanwhile. */
const repairAttempts = 3;

export class NftablesTable {
  readonly #port: NftablesPort;
  readonly #ruleset: Ruleset;
  /** What the table holds is not known: an answer that was lost says nothing of what was carried out. */
  #unsure = false;

  /** @param ruleset of nothing else than this object */
  constructor(port: NftablesPort, ruleset: Ruleset) {
    this.#port = port;
    this.#ruleset = ruleset;
  }

  /**
   * Learns how backends are arranged, so that what is right already need not be written: before Services come.
   *
   * @returns whether there is a table
   */
  async adopt(): Promise<boolean> {
    const observed = await this.#port.list(tableOf(this.#ruleset.options));
    if (observed) this.#ruleset.adopt(await paced(observedElementsInParts(observed)));
    return observed !== undefined;
  }

  /**
   * Writes what changed, in one transaction. Where the kernel refuses it the table is not what it was taken
   * for: it is observed, and brought to what is wanted.
   *
   * @returns steps that were carried out
   * @throws FairleadError NFTABLES_REFUSED, NETLINK_*: nothing is lost, the next call tries again
   */
  async sync(): Promise<number> {
    if (this.#unsure) return this.repair();
    const steps = planChanges(this.#ruleset);
    // What changes while these are written goes with the next ones.
    this.#ruleset.clean();
    if (steps.length === 0) return 0;
    this.#unsure = true;
    try {
      await this.#port.transact(steps);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      return this.repair();
    }
    this.#unsure = false;
    return steps.length;
  }

  /** Observes the table and corrects what is not as it should be: at the start, and when somebody changed it. */
  async repair(): Promise<number> {
    this.#unsure = true;
    for (let attempt = 1; ; attempt++) {
      const observed = await this.#port.list(tableOf(this.#ruleset.options));
      const parts = planTableInParts(this.#ruleset, observed);
      this.#ruleset.clean();
      const steps = await paced(parts);
      try {
        if (steps.length > 0) await this.#port.transact(steps);
        this.#unsure = false;
        return steps.length;
      } catch (error) {
        if (!(error instanceof FairleadError) || attempt === repairAttempts) throw error;
      }
    }
  }

  /** What the kernel has counted of each frontend. Reads every frontend's element. */
  async counts(): Promise<readonly FrontendCount[]> {
    const { options } = this.#ruleset;
    const elements: NftElement[] = [];
    for (const set of countedSets) {
      for (const element of await this.#port.listElements(tableOf(options), set)) elements.push(element);
    }
    return countsOf(options.family, this.#ruleset.frontends(), elements);
  }

  /** Leaves nothing behind. */
  async remove(): Promise<void> {
    const table = tableOf(this.#ruleset.options);
    if (await this.#port.list(table)) await this.#port.transact([{ step: "delete table", table }]);
  }
}
