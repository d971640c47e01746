/** Chains that the iptables mode and the ipvs mode both have, whatever finds a packet's Service: kube-proxy's. Pure. */
import { comment, hex } from "./iptables_rule.ts";
import type { FixedChain, TableName, TableRule } from "./iptables_tables.ts";

export const commonNames = {
  services: "KUBE-SERVICES",
  markMasq: "KUBE-MARK-MASQ",
  postrouting: "KUBE-POSTROUTING",
  forward: "KUBE-FORWARD",
  proxyFirewall: "KUBE-PROXY-FIREWALL",
  canary: "KUBE-PROXY-CANARY",
  /** Empty, in mangle: these rules are this proxy's, and no kube-proxy's. */
  owner: "FAIRLEAD-PROXY",
} as const;

/** Tables in which others' flushes are seen by what they lack. */
export const canaries: readonly TableName[] = ["mangle", "nat", "filter"];

/** They hold no rules. */
export const signs: readonly FixedChain[] = [
  ...canaries.map((table) => ({ table, chain: commonNames.canary, rules: [] })),
  { table: "mangle", chain: commonNames.owner, rules: [] },
];

export function markMasqRules(masqueradeMark: number): readonly string[] {
  const mark = hex(masqueradeMark);
  return [`-j MARK --set-xmark ${mark}/${mark}`];
}

/** @param randomFully iptables and the kernel know it */
export function postroutingRules(masqueradeMark: number, randomFully: boolean): readonly string[] {
  const mark = hex(masqueradeMark);
  const masquerade = `${comment("kubernetes service traffic requiring SNAT")} -j MASQUERADE`;
  return [
    `-m mark ! --mark ${mark}/${mark} -j RETURN`,
    // Cleared: a packet that goes through the stack again would be masqueraded again.
    `-j MARK --set-xmark ${mark}/0x0`,
    randomFully ? `${masquerade} --random-fully` : masquerade,
  ];
}

export function forwardRules(masqueradeMark: number): readonly string[] {
  const mark = hex(masqueradeMark);
  return [
    `${comment("kubernetes forwarding rules")} -m mark --mark ${mark}/${mark} -j ACCEPT`,
    `${comment("kubernetes forwarding conntrack rule")} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  ];
}

/** From a chain of the kernel's to one of ours. @param says the comment, by which upstream's programs know it */
export function jump(table: TableName, chain: string, target: string, says: string): TableRule {
  return { table, chain, rule: `${comment(says)} -j ${target}` };
}

const { services, postrouting, forward } = commonNames;

/** Each goes in front of what is there. */
export const commonJumps: readonly TableRule[] = [
  jump("nat", "OUTPUT", services, "kubernetes service portals"),
  jump("nat", "PREROUTING", services, "kubernetes service portals"),
  jump("nat", "POSTROUTING", postrouting, "kubernetes postrouting rules"),
];

export const forwardJump = jump("filter", "FORWARD", forward, "kubernetes forwarding rules");
