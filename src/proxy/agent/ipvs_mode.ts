/** The ipvs mode, for the agent. */
import ipaddr from "ipaddr.js";
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { IptablesPort } from "../../kernel/ports.ts";
import type { IpAddress } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { IpvsServers, type IpvsPorts, type IpvsServersOptions } from "../apply/ipvs.ts";
import { schedulerOf } from "../apply/ipvs_settings.ts";
import { Ruleset } from "../modes/ipvs/ruleset.ts";
import { canaryWatch } from "./canary_watch.ts";
import { nodePortAddresses, ofFamily } from "./derive.ts";
import type { ProxyMode, RulesWatch, WatchCallbacks } from "./mode.ts";

export interface IpvsModeOptions extends Omit<IpvsPorts, "iptables"> {
  readonly iptables: Readonly<Record<IpFamily, IptablesPort>>;
  readonly config: KubeProxyConfiguration;
  readonly randomFully: boolean;
  readonly clock: Clock;
  readonly report?: IpvsServersOptions["report"];
  readonly onLackingScheduler: (scheduler: string) => void;
}

/** Destinations that are ending are looked at so often, in ms (upstream: rsCheckDeleteInterval). */
const terminateEveryMs = 60_000;

export function ipvsMode({ iptables, config, randomFully, clock, ...ports }: IpvsModeOptions): ProxyMode {
  const families: IpvsServers[] = [];
  const { masqueradeAll, masqueradeBit } = config.iptables;
  const { onLackingScheduler, report } = ports;
  const nodePortRanges = config.nodePortAddresses ?? ["all"];
  return {
    name: "ipvs",
    // Upstream's ipvs mode masquerades as the section of iptables says.
    section: { ...config.ipvs, masqueradeAll, masqueradeBit },
    nodePortRanges,
    // IPVS balances nothing that comes to loopback.
    servesLocalhost: false,
    needsLocalAddresses: true,
    rules: (options) => {
      const ruleset = new Ruleset({
        ...options,
        masqueradeAll,
        randomFully,
        scheduler: schedulerOf(config.ipvs),
        lackingSchedulers: [],
        excludeCidrs: ofFamily(config.ipvs.excludeCIDRs, options.family),
      });
      const kernel = new IpvsServers({ ...ports, iptables: iptables[options.family] }, ruleset, {
        now: () => clock.now(),
        onLackingScheduler,
        report,
      });
      families.push(kernel);
      return { ruleset, kernel };
    },
    watch: (callbacks) => ipvsWatch(families, clock, callbacks),
    nodePortAddresses: (ips, local, family) => nodePortAddresses(nodePortRanges, ips, local, family).filter(canServe),
    serverCounts: async () => {
      // Once for both families.
      const listed = await ports.ipvs.list();
      return (await Promise.all(families.map((family) => family.serverCounts(listed)))).flat();
    },
  };
}

/** Upstream's isValidForSet: IPVS balances nothing that stays on loopback or on one link. */
function canServe(address: IpAddress): boolean {
  const range = ipaddr.parse(address).range();
  return range !== "loopback" && !(range === "linkLocal" && address.includes(":"));
}

/** Beside what others empty: destinations go when their connections have ended. */
function ipvsWatch(families: readonly IpvsServers[], clock: Clock, { onError }: WatchCallbacks): RulesWatch {
  const canaries = canaryWatch(families);
  let cancel = (): void => undefined;
  let stopped = false;
  const later = (): void => {
    if (stopped) return;
    cancel = clock.after(terminateEveryMs, () => {
      void Promise.all(families.map((family) => family.terminate()))
        .catch(onError)
        .finally(later);
    });
  };
  return {
    start: () => Promise.resolve(later()),
    stop: () => {
      stopped = true;
      cancel();
    },
    sawEverything: async () => {
      for (const family of families) if (!(await family.isAsLeft())) return false;
      return canaries.sawEverything();
    },
  };
}
