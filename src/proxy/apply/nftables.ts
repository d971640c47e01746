/** Keeps one family's table as its ruleset wants it. */
import type { NftElement } from "../../kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../kernel/netlink/nftables/step.ts";
import type { NftablesPort } from "../../kernel/ports.ts";
import type { FrontendCount } from "../../model/service.ts";
import { countedSets, countsOf } from "../modes/nftables/counts.ts";
import { observedElementsInParts, planChanges, planTableInParts, tableOf } from "../modes/nftables/plan.ts";
import type { Ruleset } from "../modes/nftables/ruleset.ts";
import { paced } from "../../reconcile/pace.ts";
import { KeptRules } from "./kept_rules.ts";

export class NftablesTable {
  readonly #port: NftablesPort;
  readonly #ruleset: Ruleset;
  readonly #kept: KeptRules<readonly NftStep[]>;

  /** @param ruleset of nothing else than this object */
  constructor(port: NftablesPort, ruleset: Ruleset) {
    this.#port = port;
    this.#ruleset = ruleset;
    this.#kept = new KeptRules(
      {
        changes: () => this.#changes(),
        differences: () => this.#differences(),
        lengthOf: (steps) => steps.length,
        write: (steps) => port.transact(steps),
      },
      { unsure: false },
    );
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

  /** Writes what changed, in one transaction: {@link KeptRules.sync}. */
  sync(): Promise<number> {
    return this.#kept.sync();
  }

  repair(): Promise<number> {
    return this.#kept.repair();
  }

  #changes(): readonly NftStep[] {
    const steps = planChanges(this.#ruleset);
    this.#ruleset.clean();
    return steps;
  }

  async #differences(): Promise<readonly NftStep[]> {
    const observed = await this.#port.list(tableOf(this.#ruleset.options));
    const parts = planTableInParts(this.#ruleset, observed);
    // What changes while they are planned goes with the next ones.
    this.#ruleset.clean();
    return paced(parts);
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
