/** Finds what a kube-proxy has programmed on this machine, and removes it once ours serves in its place. */
import type { IpsetPort, IptablesPort, NftablesPort, RoutingPort } from "../../kernel/ports.ts";
import { kubeProxyChains, kubeProxySets, planRemoval } from "./plan.ts";

/** One of the variants of iptables, of one family. */
export type IptablesVariant = Pick<IptablesPort, "name" | "save" | "restore">;

/** With what it has printed: at 10,000 Services that takes seconds, and is asked for once. */
export interface SavedVariant {
  readonly variant: IptablesVariant;
  readonly saved: string;
}

export interface TakeoverPorts {
  readonly nftables: NftablesPort;
  readonly routing: RoutingPort;
  readonly iptables: readonly IptablesVariant[];
  /** Undefined where the kernel has none loaded. */
  readonly ipset: IpsetPort | undefined;
}

/** kube-proxy's, of its nftables mode (pkg/proxy/nftables). */
const tableName = "kube-proxy";
/** The device that holds Services' addresses in the ipvs mode. */
const ipvsDevice = "kube-ipvs0";
const families = ["ip", "ip6"] as const;

export async function saveVariants(variants: readonly IptablesVariant[]): Promise<readonly SavedVariant[]> {
  const saved: SavedVariant[] = [];
  for (const variant of variants) saved.push({ variant, saved: await variant.save() });
  return saved;
}

/**
 * What there is of kube-proxy's, in words; empty: nothing.
 *
 * @param variants what `ports.iptables` have printed just now
 */
export async function findKubeProxy(
  { nftables, routing, iptables, ipset }: TakeoverPorts,
  variants?: readonly SavedVariant[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const family of families) {
    if (await hasTable(nftables, family)) found.push(`nftables table ${family} ${tableName}`);
  }
  for (const { variant, saved } of variants ?? (await saveVariants(iptables))) {
    const chains = kubeProxyChains(saved);
    if (chains.length > 0) found.push(`${chains.length} chains of ${variant.name}`);
  }
  const sets = await setsOf(ipset);
  if (sets.length > 0) found.push(`${sets.length} ipsets of its ipvs mode`);
  if (await routing.link({ name: ipvsDevice })) found.push(`ipvs device ${ipvsDevice}`);
  return found;
}

/**
 * Removes it. Connections that it has translated go on: the kernel knows their translation.
 *
 * @returns what it cannot remove
 * @throws FairleadError where the kernel, or iptables, refuses
 */
export async function removeKubeProxy(ports: TakeoverPorts): Promise<readonly string[]> {
  const { nftables, iptables, ipset, routing } = ports;
  for (const family of families) {
    const table = { family, name: tableName };
    if (await hasTable(nftables, family)) await nftables.transact([{ step: "delete table", table }]);
  }
  for (const variant of iptables) {
    const input = planRemoval(await variant.save());
    if (input !== undefined) await variant.restore(input);
  }
  // Behind the rules that ask them: the kernel destroys no set that is in use.
  const sets = await setsOf(ipset);
  if (sets.length > 0) await ipset!.apply(sets.map((set) => ({ verb: "destroy", set })));
  // With its addresses go the ways to what IPVS serves. Its virtual servers bear no name: they stay, and nothing comes to them.
  const device = await routing.link({ name: ipvsDevice });
  if (device) await routing.apply([{ verb: "delete", object: "link", value: { index: device.index } }]);
  return findKubeProxy(ports);
}

async function setsOf(ipset: IpsetPort | undefined): Promise<readonly string[]> {
  return ipset === undefined ? [] : kubeProxySets((await ipset.list()).map(({ name }) => name));
}

async function hasTable(nftables: NftablesPort, family: (typeof families)[number]): Promise<boolean> {
  return (await nftables.list({ family, name: tableName })) !== undefined;
}
