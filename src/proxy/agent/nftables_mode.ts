/** The nftables mode, for the agent. */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { NftablesPort } from "../../kernel/ports.ts";
import type { FrontendCount } from "../../model/service.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { NftablesTable } from "../apply/nftables.ts";
import type { Conflict } from "../derive/claims.ts";
import type { WantedPort } from "../derive/derive.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import { Ruleset } from "../modes/nftables/ruleset.ts";
import { nodePortAddresses } from "./derive.ts";
import type { FamilyRules, ProxyMode } from "./mode.ts";
import { TableWatch } from "./table_watch.ts";

export function nftablesMode(port: NftablesPort, config: KubeProxyConfiguration, clock: Clock): ProxyMode {
  return {
    name: "nftables",
    section: config.nftables,
    rules: (options) => new NftablesRules(port, options),
    watch: (callbacks) => new TableWatch({ port, clock, ...callbacks }),
    nodePortAddresses: (ips, local, family) => nodePortAddresses(config.nodePortAddresses, ips, local, family),
  };
}

export class NftablesRules implements FamilyRules {
  readonly #ruleset: Ruleset;
  readonly #table: NftablesTable;

  constructor(port: NftablesPort, options: ModeOptions) {
    this.#ruleset = new Ruleset(options);
    this.#table = new NftablesTable(port, this.#ruleset);
  }

  get options(): ModeOptions {
    return this.#ruleset.options;
  }

  configure(options: ModeOptions): void {
    this.#ruleset.configure(options);
  }

  set(service: string, wanted: WantedPort | undefined): void {
    this.#ruleset.set(service, wanted);
  }

  wanted(service: string): WantedPort | undefined {
    return this.#ruleset.wanted(service);
  }

  rivalsFor(wanted: WantedPort | undefined): readonly string[] {
    return this.#ruleset.rivalsFor(wanted);
  }

  refusedTo(service: string): readonly Conflict[] {
    return this.#ruleset.refusedTo(service);
  }

  adopt(): Promise<boolean> {
    return this.#table.adopt();
  }

  sync(): Promise<number> {
    return this.#table.sync();
  }

  repair(): Promise<number> {
    return this.#table.repair();
  }

  counts(): Promise<readonly FrontendCount[]> {
    return this.#table.counts();
  }
}
