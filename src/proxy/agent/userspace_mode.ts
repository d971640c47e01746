/** The userspace mode, for the agent. */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { NftablesPort, RelayListener, RelayPort } from "../../kernel/ports.ts";
import type { IpFamily } from "../../model/service.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { UserspaceRules, type UserspaceOptions } from "../apply/userspace.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import { Ruleset } from "../modes/userspace/plan.ts";
import { scopeNumber } from "../modes/userspace/render.ts";
import { nodePortAddresses } from "./derive.ts";
import type { FamilyRules, ProxyMode } from "./mode.ts";
import { TableWatch } from "./table_watch.ts";

export interface UserspaceModeOptions {
  readonly nftables: NftablesPort;
  readonly relay: RelayPort;
  readonly config: KubeProxyConfiguration;
  readonly clock: Clock;
}

export function userspaceMode({ nftables, relay, config, clock }: UserspaceModeOptions): ProxyMode {
  const relayMark = relayMarkOf(config);
  // Upstream's listened at every address of the node, and knew no others.
  const nodePortRanges = config.nodePortAddresses ?? ["all"];
  return {
    name: "userspace",
    // As upstream's had it: it was a mode of iptables.
    section: config.iptables,
    nodePortRanges,
    // The relay, to which the table leads, is on this node: nothing leaves loopback.
    servesLocalhost: false,
    needsLocalAddresses: false,
    rules: (options) => userspaceRules({ nftables, relay, relayMark }, options),
    watch: (callbacks) => new TableWatch({ port: nftables, clock, ...callbacks }),
    nodePortAddresses: (ips, local, family) => nodePortAddresses(nodePortRanges, ips, local, family),
  };
}

export function userspaceRules(ports: UserspaceOptions, options: ModeOptions): FamilyRules {
  const ruleset = new Ruleset(options);
  return { ruleset, kernel: new UserspaceRules(ports, ruleset) };
}

/** Of TCP: each frontend comes by the listener of its family and scope. */
export function relayListeners(families: readonly IpFamily[]): readonly RelayListener[] {
  return families.flatMap((family) =>
    (["cluster", "local"] as const).map((scope) => ({ family, scope: scopeNumber(family, scope) })),
  );
}

/** Another bit than masqueradeBit's, nor the one with which the kubelet drops (KUBE-MARK-DROP: 15). */
export function relayMarkOf({ iptables }: Pick<KubeProxyConfiguration, "iptables">): number {
  return iptables.masqueradeBit === 13 ? 1 << 12 : 1 << 13;
}
