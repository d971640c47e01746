/** What listings of IPVS and of iptables say alike: each frontend with each of its backends, sorted. Pure. */

/** @param text of `ipvsadm --save --numeric` */
export function balancedByIpvs(text: string): readonly string[] {
  return Array.from(text.matchAll(/^-a -t (\S+) -r (\S+)/gm), ([, service, real]) => `${service} ${real}`).sort();
}

/** @param text of `iptables-save -t nat`, of frontends of TCP with cluster IPs */
export function balancedByIptables(text: string): readonly string[] {
  const jumps = new Map<string, string[]>();
  const targets = new Map<string, string>();
  const frontends: (readonly [address: string, chain: string])[] = [];
  for (const line of text.split("\n")) {
    const [, chain = "", rule = ""] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    const to = /-j (KUBE-S(?:VC|EP)-\S+)$/.exec(rule)?.[1];
    const [, ip, port] = /^-d (\S+)\/32 .*--dport (\d+)/.exec(rule) ?? [];
    const target = /-j DNAT --to-destination (\S+)/.exec(rule)?.[1];
    if (target !== undefined) targets.set(chain, target);
    else if (to !== undefined && chain === "KUBE-SERVICES") frontends.push([`${ip}:${port}`, to]);
    else if (to !== undefined) jumps.set(chain, [...(jumps.get(chain) ?? []), to]);
  }
  return frontends
    .flatMap(([frontend, chain]) => (jumps.get(chain) ?? []).map((to) => `${frontend} ${targets.get(to)}`))
    .sort();
}
