/**
 * Keeps the relay, and the table that leads to it, as one family's Services want them. The table is the nftables mode's,
 * so that going from one mode to the other is one transaction.
 */
import type { NftablesPort, RelayPort } from "../../kernel/ports.ts";
import type { FrontendCount } from "../../model/service.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import { Ruleset as Table, type Ruleset as TableRuleset } from "../modes/nftables/ruleset.ts";
import { loopback } from "../modes/userspace/localhost.ts";
import type { Ruleset } from "../modes/userspace/plan.ts";
import { renderRedirected, scopeNumber } from "../modes/userspace/render.ts";
import type { RelayListeners } from "../modes/userspace/state.ts";
import { NftablesTable } from "./nftables.ts";
import { withRelayed } from "./relayed_counts.ts";

export interface UserspaceOptions {
  readonly nftables: NftablesPort;
  readonly relay: RelayPort;
  /** SO_MARK of the relay's own packets to endpoints. */
  readonly relayMark: number;
}

export class UserspaceRules {
  readonly #relay: RelayPort;
  readonly #ruleset: Ruleset;
  readonly #relayMark: number;
  readonly #redirected: TableRuleset;
  readonly #table: NftablesTable;
  #configured: ModeOptions;
  /** Of UDP, by the relay's keys. */
  readonly #ports = new Map<string, number>();

  /** @param ruleset of nothing else than this object */
  constructor({ nftables, relay, relayMark }: UserspaceOptions, ruleset: Ruleset) {
    this.#relay = relay;
    this.#ruleset = ruleset;
    this.#relayMark = relayMark;
    this.#configured = ruleset.options;
    this.#redirected = new Table({ ...ruleset.options, exemptMark: relayMark });
    this.#table = new NftablesTable(nftables, this.#redirected);
  }

  /** The relay begins with nothing; what a process before has left is the table. */
  adopt(): Promise<boolean> {
    return this.#table.adopt();
  }

  /** Writes what changed. @throws FairleadError: nothing is lost, the next call tries again */
  sync(): Promise<number> {
    return this.#write(() => this.#table.sync());
  }

  repair(): Promise<number> {
    return this.#write(() => this.#table.repair());
  }

  async counts(): Promise<readonly FrontendCount[]> {
    return withRelayed(await this.#table.counts(), await this.#relay.frontendCounts());
  }

  async #write(table: () => Promise<number>): Promise<number> {
    const plan = this.#ruleset.plan();
    try {
      if (plan.set.length > 0) await this.#serve(plan.set);
      this.#lead(plan.services);
      const steps = await table();
      if (plan.gone.length > 0) await this.#relay.update([], plan.gone);
      for (const key of plan.gone) this.#ports.delete(key);
      return steps + plan.set.length + plan.gone.length;
    } catch (error) {
      this.#ruleset.again(plan);
      throw error;
    }
  }

  async #serve(set: Parameters<RelayPort["update"]>[0]): Promise<void> {
    const ports = await this.#relay.update(set, []);
    set.forEach(({ key }, i) => {
      if (ports[i]! > 0) this.#ports.set(key, ports[i]!);
    });
  }

  #lead(services: readonly string[]): void {
    const { options } = this.#ruleset;
    if (options !== this.#configured) this.#redirected.configure({ ...options, exemptMark: this.#relayMark });
    this.#configured = options;
    const listeners = this.#listeners();
    for (const service of services) {
      const wanted = this.#ruleset.wanted(service);
      this.#redirected.set(service, wanted && renderRedirected(wanted, listeners));
    }
  }

  #listeners(): RelayListeners {
    // Without an address of the family nobody else can come by it.
    const { family, nodeIp = loopback[family] } = this.#ruleset.options;
    const tcp = {
      cluster: this.#relay.portOf(scopeNumber(family, "cluster")),
      local: this.#relay.portOf(scopeNumber(family, "local")),
    };
    return { address: nodeIp, tcp, udp: (key) => this.#ports.get(key) };
  }
}
