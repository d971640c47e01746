/** Keeps one family's chains of iptables as its ruleset wants them. What was written is known: nothing is listed in the loop. */
import type { IptablesPort } from "../../kernel/ports.ts";
import type { FrontendCount, IpFamily } from "../../model/service.ts";
import { paced } from "../../reconcile/pace.ts";
import { countedTables, countsOf } from "../modes/iptables/counts.ts";
import { planAll, planChanges } from "../modes/iptables/plan.ts";
import { countedRuleTables, RuleCounts, writtenRules, type CountedRuleTable } from "../modes/iptables/rule_counts.ts";
import type { Ruleset } from "../modes/iptables/ruleset.ts";
import { joinSections, restoreInput, type Section } from "../modes/shared/iptables_edits.ts";
import { hasCanaries, observeTables } from "./iptables_tables.ts";
import { KeptRules } from "./kept_rules.ts";

/** Told of what upstream measures (pkg/proxy/metrics). */
export interface IptablesReport {
  /** What is written next. @param total rules that are wanted by then @param written of them */
  rules(family: IpFamily, table: CountedRuleTable, total: number, written: number): void;
  /** @param isPartial of changes alone */
  restoreFailed(family: IpFamily, isPartial: boolean): void;
}

interface Steps {
  readonly sections: readonly Section[];
  /** Of changes alone. */
  readonly isPartial: boolean;
}

export class IptablesChains {
  readonly #report: IptablesReport | undefined;
  readonly #counts = new RuleCounts();
  readonly #port: IptablesPort;
  readonly #ruleset: Ruleset;
  readonly #kept: KeptRules<Steps>;

  /** @param ruleset of nothing else than this object */
  constructor(port: IptablesPort, ruleset: Ruleset, report?: IptablesReport) {
    this.#report = report;
    this.#port = port;
    this.#ruleset = ruleset;
    this.#kept = new KeptRules(
      {
        changes: () => this.#changes(),
        differences: () => this.#differences(),
        lengthOf,
        write: (steps) => this.#restore(steps),
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

  #changes(): Steps {
    return this.#planned({ sections: planChanges(this.#ruleset, this.#counts), isPartial: true });
  }

  async #differences(): Promise<Steps> {
    const observed = await observeTables(this.#port);
    const sections = await paced(planAll(this.#ruleset, observed, this.#counts));
    return this.#planned({ sections, isPartial: false });
  }

  #planned(steps: Steps): Steps {
    this.#ruleset.clean();
    this.#tell(steps);
    return steps;
  }

  #tell({ sections }: Steps): void {
    const { family } = this.#ruleset.options;
    for (const table of countedRuleTables) {
      this.#report?.rules(family, table, this.#counts.of(table), writtenRules(sections, table));
    }
  }

  /** The kernel takes a legacy table whole, with each transaction. */
  get #isLegacy(): boolean {
    return this.#port.name.endsWith("-legacy");
  }

  async #restore({ sections, isPartial }: Steps): Promise<void> {
    try {
      await this.#port.restore(restoreInput(this.#isLegacy ? joinSections(sections) : sections));
    } catch (error) {
      this.#report?.restoreFailed(this.#ruleset.options.family, isPartial);
      throw error;
    }
  }

  hasCanaries(): Promise<boolean> {
    return hasCanaries(this.#port);
  }

  /** What the kernel has counted of each frontend. Reads every rule. */
  async counts(): Promise<readonly FrontendCount[]> {
    const saved: string[] = [];
    for (const table of countedTables) saved.push(await this.#port.list(table, { counters: true }));
    return paced(countsOf(this.#ruleset, saved.join("")));
  }
}

function lengthOf({ sections }: Steps): number {
  return sections.reduce((sum, { lines }) => sum + lines.length, 0);
}
