/** The nftables mode, for the agent. */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { NftablesPort } from "../../kernel/ports.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { NftablesTable } from "../apply/nftables.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import { Ruleset } from "../modes/nftables/ruleset.ts";
import { nodePortAddresses } from "./derive.ts";
import type { FamilyRules, ProxyMode } from "./mode.ts";
import { TableWatch } from "./table_watch.ts";

export function nftablesMode(port: NftablesPort, config: KubeProxyConfiguration, clock: Clock): ProxyMode {
  const nodePortRanges = config.nodePortAddresses ?? ["primary"];
  return {
    name: "nftables",
    section: config.nftables,
    nodePortRanges,
    // Where that is asked for, a relay does (localhost.ts).
    servesLocalhost: false,
    needsLocalAddresses: false,
    rules: (options) => nftablesRules(port, options),
    watch: (callbacks) => new TableWatch({ port, clock, ...callbacks }),
    nodePortAddresses: (ips, local, family) => nodePortAddresses(nodePortRanges, ips, local, family),
  };
}

export function nftablesRules(port: NftablesPort, options: ModeOptions): FamilyRules {
  const ruleset = new Ruleset(options);
  return { ruleset, kernel: new NftablesTable(port, ruleset) };
}
