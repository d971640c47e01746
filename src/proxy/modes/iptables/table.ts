/**
 * What is there whatever Services there are: fixed chains, and jumps of the kernel's chains to ours (upstream:
 * iptablesJumpChains). docs/packet-paths/iptables.md draws how packets go through them.
 */
import {
  commonJumps,
  forwardJump,
  forwardRules,
  jump,
  markMasqRules,
  postroutingRules,
  signs,
} from "../shared/iptables_chains.ts";
import { comment, joined, to } from "../shared/iptables_rule.ts";
import type { FixedChain, TableRule } from "../shared/iptables_tables.ts";
import { chainNames } from "./names.ts";
import type { IptablesOptions } from "./options.ts";

/** Chains whose rules are of all service ports. Their order means nothing but for {@link lastRules}. */
export const sharedChains = [
  { table: "nat", chain: chainNames.services },
  { table: "nat", chain: chainNames.nodePorts },
  { table: "filter", chain: chainNames.services },
  { table: "filter", chain: chainNames.externalServices },
  { table: "filter", chain: chainNames.nodePorts },
  { table: "filter", chain: chainNames.proxyFirewall },
] as const;

export function fixedChains(options: IptablesOptions): readonly FixedChain[] {
  const { masqueradeMark, randomFully, tcpBeLiberal } = options;
  // What conntrack takes for invalid would make the client reset its connection (kubernetes/kubernetes#74839).
  const invalid = tcpBeLiberal ? [] : ["-m conntrack --ctstate INVALID -j DROP"];
  return [
    { table: "nat", chain: chainNames.markMasq, rules: markMasqRules(masqueradeMark) },
    { table: "nat", chain: chainNames.postrouting, rules: postroutingRules(masqueradeMark, randomFully) },
    { table: "filter", chain: chainNames.forward, rules: [...invalid, ...forwardRules(masqueradeMark)] },
    ...(blocksLocalnet(options)
      ? [{ table: "filter", chain: chainNames.firewall, rules: [blockLocalnet] } as const]
      : []),
    ...signs,
  ];
}

/** route_localnet opens what listens on loopback alone to others (CVE-2020-8558). */
const blockLocalnet = joined(
  "! -s 127.0.0.0/8 -d 127.0.0.0/8",
  comment("block incoming localnet connections"),
  "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
);

/** Whether node ports may be at 127.0.0.1, so that the kernel must route it. */
export function blocksLocalnet(options: IptablesOptions): boolean {
  const { family, localhostNodePorts, nodePortsEverywhere, nodePortAddresses } = options;
  if (family !== "IPv4" || !localhostNodePorts) return false;
  return nodePortsEverywhere || nodePortAddresses.some((address) => address.startsWith("127."));
}

/** Of nat KUBE-SERVICES: a Service's own addresses come first, even where they are this node's. */
export function lastRules(options: IptablesOptions): readonly string[] {
  const { family, localhostNodePorts, nodePortsEverywhere, nodePortAddresses } = options;
  const says = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain");
  const jump = `-j ${chainNames.nodePorts}`;
  if (!nodePortsEverywhere) return nodePortAddresses.map((address) => joined(to(address), says, jump));
  const loopback = family === "IPv4" ? (localhostNodePorts ? "" : "! -d 127.0.0.0/8") : "! -d ::1/128";
  return [joined(loopback, says, "-m addrtype --dst-type LOCAL", jump)];
}

/** Each goes in front of what is there, so the last of a chain is its first. */
export function jumps(options: IptablesOptions): readonly TableRule[] {
  const visible = "kubernetes externally-visible service portals";
  const portals = "kubernetes service portals";
  const balancers = "kubernetes load balancer firewall";
  const { externalServices, services, nodePorts, proxyFirewall, firewall } = chainNames;
  return [
    ...(blocksLocalnet(options)
      ? ["INPUT", "OUTPUT"].map((chain): TableRule => ({ table: "filter", chain, rule: `-j ${firewall}` }))
      : []),
    ofNew(jump("filter", "INPUT", externalServices, visible)),
    ofNew(jump("filter", "FORWARD", externalServices, visible)),
    jump("filter", "INPUT", nodePorts, "kubernetes health check service ports"),
    ofNew(jump("filter", "FORWARD", services, portals)),
    ofNew(jump("filter", "OUTPUT", services, portals)),
    forwardJump,
    ofNew(jump("filter", "INPUT", proxyFirewall, balancers)),
    ofNew(jump("filter", "OUTPUT", proxyFirewall, balancers)),
    ofNew(jump("filter", "FORWARD", proxyFirewall, balancers)),
    ...commonJumps,
  ];
}

/** Of first packets alone. */
function ofNew({ rule, ...at }: TableRule): TableRule {
  return { ...at, rule: joined("-m conntrack --ctstate NEW", rule) };
}
