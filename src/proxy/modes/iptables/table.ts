/**
 * What is there whatever Services there are: fixed chains, and jumps of the kernel's chains to ours (upstream:
 * iptablesJumpChains). docs/packet-paths/iptables.md draws how packets go through them.
 */
import type { FixedChain, TableName, TableRule } from "../shared/iptables_tables.ts";
import { comment, hex, joined, to } from "../shared/iptables_rule.ts";
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
  const { masqueradeMark, randomFully } = options;
  const mark = hex(masqueradeMark);
  const masquerade = `${comment("kubernetes service traffic requiring SNAT")} -j MASQUERADE`;
  return [
    { table: "nat", chain: chainNames.markMasq, rules: [`-j MARK --set-xmark ${mark}/${mark}`] },
    {
      table: "nat",
      chain: chainNames.postrouting,
      rules: [
        `-m mark ! --mark ${mark}/${mark} -j RETURN`,
        // Cleared: a packet that goes through the stack again would be masqueraded again.
        `-j MARK --set-xmark ${mark}/0x0`,
        randomFully ? `${masquerade} --random-fully` : masquerade,
      ],
    },
    { table: "filter", chain: chainNames.forward, rules: forwardRules(options) },
    ...(blocksLocalnet(options)
      ? [{ table: "filter", chain: chainNames.firewall, rules: [blockLocalnet] } as const]
      : []),
    ...canaries.map((table) => ({ table, chain: chainNames.canary, rules: [] })),
    { table: "mangle", chain: chainNames.owner, rules: [] },
  ];
}

/** Tables in which others' flushes are seen by what they lack. */
export const canaries: readonly TableName[] = ["mangle", "nat", "filter"];

function forwardRules({ masqueradeMark, tcpBeLiberal }: IptablesOptions): readonly string[] {
  const mark = hex(masqueradeMark);
  return [
    // They would make the client reset its connection (kubernetes/kubernetes#74839).
    ...(tcpBeLiberal ? [] : ["-m conntrack --ctstate INVALID -j DROP"]),
    `${comment("kubernetes forwarding rules")} -m mark --mark ${mark}/${mark} -j ACCEPT`,
    `${comment("kubernetes forwarding conntrack rule")} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
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
  const isNew = "-m conntrack --ctstate NEW";
  const jump = (table: TableName, chain: string, target: string, says: string, match = ""): TableRule => ({
    table,
    chain,
    rule: joined(match, comment(says), `-j ${target}`),
  });
  const visible = "kubernetes externally-visible service portals";
  const portals = "kubernetes service portals";
  const balancers = "kubernetes load balancer firewall";
  const { externalServices, services, nodePorts, forward, proxyFirewall, firewall, postrouting } = chainNames;
  return [
    ...(blocksLocalnet(options)
      ? ["INPUT", "OUTPUT"].map((chain): TableRule => ({ table: "filter", chain, rule: `-j ${firewall}` }))
      : []),
    jump("filter", "INPUT", externalServices, visible, isNew),
    jump("filter", "FORWARD", externalServices, visible, isNew),
    jump("filter", "INPUT", nodePorts, "kubernetes health check service ports"),
    jump("filter", "FORWARD", services, portals, isNew),
    jump("filter", "OUTPUT", services, portals, isNew),
    jump("filter", "FORWARD", forward, "kubernetes forwarding rules"),
    jump("filter", "INPUT", proxyFirewall, balancers, isNew),
    jump("filter", "OUTPUT", proxyFirewall, balancers, isNew),
    jump("filter", "FORWARD", proxyFirewall, balancers, isNew),
    jump("nat", "OUTPUT", services, portals),
    jump("nat", "PREROUTING", services, portals),
    jump("nat", "POSTROUTING", postrouting, "kubernetes postrouting rules"),
  ];
}
