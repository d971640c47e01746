/** Which of a machine's iptables chains are kube-proxy's, and what removes them alone. Pure. */

/**
 * Of its iptables and ipvs modes (pkg/proxy/iptables, pkg/proxy/ipvs). KUBE-FIREWALL, KUBE-KUBELET-CANARY,
 * KUBE-MARK-DROP and KUBE-IPTABLES-HINT are the kubelet's. Our own iptables mode has the same chains, and one that says
 * so.
 */
const kubeProxyChain = new RegExp(
  "^KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|NODE-PORT|POSTROUTING|FORWARD|MARK-MASQ|LOAD-BALANCER|" +
    "SOURCE-RANGES-FIREWALL|PROXY-FIREWALL|PROXY-CANARY|IPVS-FILTER|IPVS-OUT-FILTER|" +
    "(SVC|SVL|SEP|FW|EXT|XLB)-[A-Z0-9]+)$|^FAIRLEAD-PROXY$",
);

/** Chains that are kube-proxy's, as `iptables-save` names them: "nat/KUBE-SERVICES". @param saved what it printed */
export function kubeProxyChains(saved: string): readonly string[] {
  return [...tables(saved)].flatMap(({ name, lines }) => chainsOf(lines).map((chain) => `${name}/${chain}`));
}

/** Whether they are our own iptables mode's, and no kube-proxy's. */
export function isOurs(saved: string): boolean {
  return saved.includes("\n:FAIRLEAD-PROXY ");
}

/**
 * Of what our own iptables mode has made KUBE-FIREWALL goes too, unless a kubelet that keeps one is here: its canary tells.
 *
 * @returns input of `iptables-restore --noflush`; undefined where there is nothing to remove
 */
export function planRemoval(saved: string): string | undefined {
  const hasKubelet = /^:KUBE-KUBELET-CANARY /m.test(saved);
  const more = isOurs(saved) && !hasKubelet ? ["KUBE-FIREWALL"] : [];
  const parts = [...tables(saved)].flatMap(({ name, lines }) => {
    const chains = chainsOf(lines, more);
    if (chains.length === 0) return [];
    return [`*${name}`, ...removalOf(chains, lines), "COMMIT"];
  });
  return parts.length === 0 ? undefined : `${parts.join("\n")}\n`;
}

interface Leftovers {
  readonly isGone: (table: string, chain: string) => boolean;
  /** Of jumps to chains that both modes have, and reach otherwise. */
  readonly comment: string;
}

const ofIpvs = /^KUBE-(NODE-PORT|LOAD-BALANCER|SOURCE-RANGES-FIREWALL|IPVS-FILTER|IPVS-OUT-FILTER)$/;
const ofIptables = /^KUBE-(NODEPORTS|EXTERNAL-SERVICES|(SVC|SVL|SEP|FW|EXT|XLB)-[A-Z0-9]+)$/;

const leftovers: Readonly<Record<"iptables" | "ipvs", Leftovers>> = {
  iptables: {
    isGone: (table, chain) => ofIptables.test(chain) || (table === "filter" && chain === "KUBE-SERVICES"),
    comment: '"kubernetes load balancer firewall"',
  },
  ipvs: { isGone: (_, chain) => ofIpvs.test(chain), comment: '"kube-proxy firewall rules"' },
};

/**
 * Of two modes that have the same tables what the one alone has: the other serves in its place.
 *
 * @param mode whose chains go
 * @returns input of `iptables-restore --noflush`; undefined where there is nothing to remove
 */
export function planLeftovers(saved: string, mode: "iptables" | "ipvs"): string | undefined {
  const { isGone, comment } = leftovers[mode];
  const parts = [...tables(saved)].flatMap(({ name, lines }) => {
    const chains = chainsOf(lines).filter((chain) => isGone(name, chain));
    const stale = lines.filter((line) => /^-A (INPUT|OUTPUT|FORWARD) /.test(line) && line.includes(comment));
    const jumps = stale.filter((line) => !chains.includes(/ -j (\S+)/.exec(line)?.[1] ?? ""));
    if (chains.length + jumps.length === 0) return [];
    return [`*${name}`, ...removalOf(chains, lines), ...jumps.map((line) => line.replace(/^-A/, "-D")), "COMMIT"];
  });
  return parts.length === 0 ? undefined : `${parts.join("\n")}\n`;
}

interface Table {
  readonly name: string;
  readonly lines: readonly string[];
}

function* tables(saved: string): Iterable<Table> {
  let table: { name: string; lines: string[] } | undefined;
  for (const line of saved.split("\n")) {
    if (line.startsWith("*")) table = { name: line.slice(1), lines: [] };
    else if (line === "COMMIT" && table) {
      yield table;
      table = undefined;
    } else table?.lines.push(line);
  }
}

/** ":KUBE-SERVICES - [0:0]" */
function chainsOf(lines: readonly string[], more: readonly string[] = []): readonly string[] {
  const names = lines.flatMap((line) => (line.startsWith(":") ? [line.slice(1).split(" ")[0]!] : []));
  return names.filter((name) => kubeProxyChain.test(name) || more.includes(name));
}

/** First nobody jumps there, then all are empty, then they go. */
function removalOf(chains: readonly string[], lines: readonly string[]): readonly string[] {
  const gone = new Set(chains);
  const jumps = lines.filter((line) => {
    const target = / -[jg] (\S+)/.exec(line)?.[1];
    const from = /^-A (\S+)/.exec(line)?.[1];
    return target !== undefined && from !== undefined && gone.has(target) && !gone.has(from);
  });
  return [
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...jumps.map((line) => line.replace(/^-A/, "-D")),
    ...chains.map((chain) => `-X ${chain}`),
  ];
}
