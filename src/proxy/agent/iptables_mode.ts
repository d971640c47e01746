/** The iptables mode, for the agent. */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { IptablesPort } from "../../kernel/ports.ts";
import { parseCidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import { IptablesChains, type IptablesReport } from "../apply/iptables.ts";
import { Ruleset } from "../modes/iptables/ruleset.ts";
import { canaryWatch } from "./canary_watch.ts";
import { nodePortAddresses, ofFamily } from "./derive.ts";
import type { ProxyMode } from "./mode.ts";

export interface IptablesModeOptions {
  readonly iptables: Readonly<Record<IpFamily, IptablesPort>>;
  readonly config: KubeProxyConfiguration;
  readonly randomFully: boolean;
  readonly report?: IptablesReport | undefined;
}

export function iptablesMode({ iptables, config, randomFully, report }: IptablesModeOptions): ProxyMode {
  const families: IptablesChains[] = [];
  const { localhostNodePorts } = config.iptables;
  const { tcpBeLiberal } = config.conntrack;
  const nodePortRanges = config.nodePortAddresses ?? ["all"];
  return {
    name: "iptables",
    section: config.iptables,
    nodePortRanges,
    servesLocalhost: servesLocalhost(nodePortRanges, localhostNodePorts),
    needsLocalAddresses: false,
    rules: (options) => {
      const nodePortsEverywhere = isEverywhere(nodePortRanges, options.family);
      const fixed = { nodePortsEverywhere, localhostNodePorts, tcpBeLiberal, randomFully };
      const ruleset = new Ruleset({ ...options, ...fixed });
      const kernel = new IptablesChains(iptables[options.family], ruleset, report);
      families.push(kernel);
      return { ruleset, kernel };
    },
    watch: () => canaryWatch(families),
    nodePortAddresses: (ips, local, family) => {
      const loopback = family === "IPv4" && localhostNodePorts && nodePortRanges.some(holdsLoopback);
      return nodePortAddresses(loopback ? [...nodePortRanges, "localhost"] : nodePortRanges, ips, local, family);
    },
  };
}

/** Upstream's NodePortAddresses.MatchAll: nothing of the family, or a range of all of it. */
export function isEverywhere(configured: readonly string[], family: IpFamily): boolean {
  if (configured.some((one) => one === "all" || one === "0.0.0.0/0" || one === "::/0")) {
    return configured.includes("all") || configured.includes(family === "IPv4" ? "0.0.0.0/0" : "::/0");
  }
  const isNamed = configured.some((one) => one === "primary" || one === "localhost");
  return !isNamed && ofFamily(configured, family).length === 0;
}

/** Upstream's ContainsIPv4Loopback. */
function servesLocalhost(configured: readonly string[], localhostNodePorts: boolean): boolean {
  const isNamed = configured.some((one) => one === "localhost" || holdsLoopback(one));
  return localhostNodePorts && (isNamed || isEverywhere(configured, "IPv4"));
}

function holdsLoopback(configured: string): boolean {
  return parseCidr(configured)?.address.startsWith("127.") ?? false;
}
