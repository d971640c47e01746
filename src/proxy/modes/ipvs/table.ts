/**
 * Rules: the same, whatever Services there are (upstream: writeIptablesRules). docs/packet-paths/ipvs.md draws how packets
 * go through them.
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
import { comment, joined, localMatch, refusal } from "../shared/iptables_rule.ts";
import type { FixedChain, TableName, TableRule } from "../shared/iptables_tables.ts";
import { chainNames, setName, type SetName } from "./names.ts";
import type { IpvsOptions } from "./options.ts";

export function fixedChains(options: IpvsOptions): readonly FixedChain[] {
  const { services, nodePort, loadBalancer, markMasq, postrouting, forward, proxyFirewall } = chainNames;
  const { sourceRanges, ipvsFilter, ipvsOutFilter } = chainNames;
  const { masqueradeMark, randomFully } = options;
  const chain = (table: TableName, name: string, rules: readonly string[]): FixedChain => ({
    table,
    chain: name,
    rules,
  });
  const { is } = new Sets(options);
  const hairpin = `${is("KUBE-LOOP-BACK", "dst,dst,src")} -j MASQUERADE`;
  return [
    chain("nat", services, serviceRules(options)),
    chain("nat", nodePort, nodePortRules(options)),
    chain("nat", loadBalancer, [`${is("KUBE-LOAD-BALANCER-LOCAL", "dst,dst")} -j RETURN`, `-j ${markMasq}`]),
    chain("nat", markMasq, markMasqRules(masqueradeMark)),
    chain("nat", postrouting, [hairpin, ...postroutingRules(masqueradeMark, randomFully)]),
    chain("filter", forward, forwardRules(masqueradeMark)),
    chain("filter", nodePort, [`${is("KUBE-HEALTH-CHECK-NODE-PORT", "dst")} -j ACCEPT`]),
    chain("filter", proxyFirewall, firewallRules(options)),
    chain("filter", sourceRanges, [...sourceRangeRules(options), "-j DROP"]),
    chain("filter", ipvsFilter, filterRules(options)),
    chain("mangle", ipvsOutFilter, outFilterRules(options)),
    ...signs,
  ];
}

/** What upstream says of its sets. */
const comments: Readonly<Record<SetName, string>> = {
  "KUBE-LOOP-BACK": "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose",
  "KUBE-CLUSTER-IP": "Kubernetes service cluster ip + port for masquerade purpose",
  "KUBE-EXTERNAL-IP": "Kubernetes service external ip + port for masquerade and filter purpose",
  "KUBE-EXTERNAL-IP-LOCAL": "Kubernetes service external ip + port with externalTrafficPolicy=local",
  "KUBE-LOAD-BALANCER": "Kubernetes service lb portal",
  "KUBE-LOAD-BALANCER-LOCAL": "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
  "KUBE-LOAD-BALANCER-FW": "Kubernetes service load balancer ip + port for load balancer with sourceRange",
  "KUBE-LOAD-BALANCER-SOURCE-IP": "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
  "KUBE-LOAD-BALANCER-SOURCE-CIDR":
    "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
  "KUBE-NODE-PORT-TCP": "Kubernetes nodeport TCP port for masquerade purpose",
  "KUBE-NODE-PORT-LOCAL-TCP": "Kubernetes nodeport TCP port with externalTrafficPolicy=local",
  "KUBE-NODE-PORT-UDP": "Kubernetes nodeport UDP port for masquerade purpose",
  "KUBE-NODE-PORT-LOCAL-UDP": "Kubernetes nodeport UDP port with externalTrafficPolicy=local",
  "KUBE-NODE-PORT-SCTP-HASH": "Kubernetes nodeport SCTP port for masquerade purpose with type hash ip:port",
  "KUBE-NODE-PORT-LOCAL-SCTP-HASH":
    "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type hash ip:port",
  "KUBE-HEALTH-CHECK-NODE-PORT": "Kubernetes health check node port",
  "KUBE-IPVS-IPS": "addresses of Services that this node has",
  "FAIRLEAD-NO-LOCAL": "policy Local, and no endpoint on this node",
  "FAIRLEAD-NO-LOCAL-OUTSIDE": "externalTrafficPolicy=local, and no endpoint on this node",
};

/** Matches of sets of one family. */
class Sets {
  readonly #family: IpvsOptions["family"];

  constructor({ family }: Pick<IpvsOptions, "family">) {
    this.#family = family;
  }

  readonly is = (name: SetName, fields: string): string =>
    `${comment(comments[name])} -m set --match-set ${setName(name, this.#family)} ${fields}`;
}

/** Marks what is masqueraded, and takes what is IPVS's from whoever translates behind it. */
function serviceRules(options: IpvsOptions): readonly string[] {
  const { family, local, masqueradeAll } = options;
  const { is } = new Sets(options);
  const toMarkMasq = `-j ${chainNames.markMasq}`;
  const clusterIp = `${is("KUBE-CLUSTER-IP", "dst,dst")} ${toMarkMasq}`;
  const outside = local.mode === "none" ? [] : [joined(...localMatch(local, false), clusterIp)];
  const isLocal = "-m addrtype --dst-type LOCAL";
  return [
    `-s ${family === "IPv4" ? "127.0.0.0/8" : "::1/128"} -j RETURN`,
    `${is("KUBE-LOAD-BALANCER", "dst,dst")} -j ${chainNames.loadBalancer}`,
    ...(masqueradeAll ? [clusterIp] : outside),
    `${is("KUBE-EXTERNAL-IP", "dst,dst")} ${toMarkMasq}`,
    // This node's own: the kernel gives a packet to an address of the machine that same address for a source.
    `${is("KUBE-IPVS-IPS", "src")} ${toMarkMasq}`,
    `${is("KUBE-EXTERNAL-IP", "dst,dst")} ${isLocal} -j ACCEPT`,
    `${is("KUBE-EXTERNAL-IP-LOCAL", "dst,dst")} ${isLocal} -j ACCEPT`,
    `${isLocal} -j ${chainNames.nodePort}`,
    `${is("KUBE-CLUSTER-IP", "dst,dst")} -j ACCEPT`,
    `${is("KUBE-LOAD-BALANCER", "dst,dst")} -j ACCEPT`,
  ];
}

function nodePortRules(options: IpvsOptions): readonly string[] {
  const { is } = new Sets(options);
  const rules = (protocol: string, local: SetName, all: SetName, fields: string): readonly string[] => [
    // This node's own: another node's endpoint may know no way back to the address that it came to.
    `-p ${protocol} ${is(local, fields)} -m addrtype --src-type LOCAL -j ${chainNames.markMasq}`,
    `-p ${protocol} ${is(local, fields)} -j RETURN`,
    `-p ${protocol} ${is(all, fields)} -j ${chainNames.markMasq}`,
  ];
  return [
    ...rules("tcp", "KUBE-NODE-PORT-LOCAL-TCP", "KUBE-NODE-PORT-TCP", "dst"),
    ...rules("udp", "KUBE-NODE-PORT-LOCAL-UDP", "KUBE-NODE-PORT-UDP", "dst"),
    ...rules("sctp", "KUBE-NODE-PORT-LOCAL-SCTP-HASH", "KUBE-NODE-PORT-SCTP-HASH", "dst,dst"),
  ];
}

/** In front of IPVS, which is at INPUT too, behind the filter: a packet still has the frontend's address. */
function firewallRules(options: IpvsOptions): readonly string[] {
  const { local } = options;
  const { is } = new Sets(options);
  const outside = local.mode === "none" ? "" : joined(...localMatch(local, false));
  return [
    `${is("KUBE-LOAD-BALANCER-FW", "dst,dst")} -j ${chainNames.sourceRanges}`,
    `${is("FAIRLEAD-NO-LOCAL", "dst,dst")} -j DROP`,
    joined(outside, is("FAIRLEAD-NO-LOCAL-OUTSIDE", "dst,dst"), "-m addrtype ! --src-type LOCAL -j DROP"),
  ];
}

function sourceRangeRules(options: IpvsOptions): readonly string[] {
  const { is } = new Sets(options);
  return [
    `${is("KUBE-LOAD-BALANCER-SOURCE-CIDR", "dst,dst,src")} -j RETURN`,
    `${is("KUBE-LOAD-BALANCER-SOURCE-IP", "dst,dst,src")} -j RETURN`,
  ];
}

/** Services' addresses are this machine's: its own ports must not be reached by them (kubernetes/kubernetes#72236). */
function filterRules(options: IpvsOptions): readonly string[] {
  const { is } = new Sets(options);
  const served = (["KUBE-LOAD-BALANCER", "KUBE-CLUSTER-IP", "KUBE-EXTERNAL-IP", "KUBE-EXTERNAL-IP-LOCAL"] as const).map(
    (name) => `${is(name, "dst,dst")} -j RETURN`,
  );
  return [
    ...served,
    `${is("KUBE-HEALTH-CHECK-NODE-PORT", "dst")} -j RETURN`,
    joined("-m conntrack --ctstate NEW", is("KUBE-IPVS-IPS", "dst"), refusal(options.family)),
  ];
}

/**
 * This node's own packets: IPVS takes them at OUTPUT before the table filter sees them. Upstream has a rule for each load
 * balancer there, behind IPVS (kubernetes/kubernetes#119656); in mangle the sets say it.
 */
function outFilterRules(options: IpvsOptions): readonly string[] {
  const { is } = new Sets(options);
  return [
    `${is("FAIRLEAD-NO-LOCAL", "dst,dst")} -j DROP`,
    ...sourceRangeRules(options),
    `${is("KUBE-LOAD-BALANCER-FW", "dst,dst")} -j DROP`,
  ];
}

/** Each goes in front of what is there, so the last of a chain is its first. */
export function jumps(): readonly TableRule[] {
  const { nodePort, proxyFirewall, ipvsFilter, ipvsOutFilter } = chainNames;
  return [
    ...commonJumps,
    forwardJump,
    jump("filter", "INPUT", nodePort, "kubernetes health check rules"),
    jump("filter", "INPUT", proxyFirewall, "kube-proxy firewall rules"),
    jump("filter", "FORWARD", proxyFirewall, "kube-proxy firewall rules"),
    jump("filter", "INPUT", ipvsFilter, "kubernetes ipvs access filter"),
    jump("mangle", "OUTPUT", ipvsOutFilter, "kubernetes ipvs access filter"),
  ];
}
