/** Finds what a kube-proxy has programmed on this machine, and removes it once ours serves in its place. */
import type { IptablesPort, NftablesPort } from "../../kernel/ports.ts";
import {
  describeIpvsMode,
  observeIpvsMode,
  removeIpvsMode,
  type IpvsModePorts,
  type IpvsRemains,
} from "./ipvs_mode.ts";
import { kubeProxyChains, planRemoval } from "./plan.ts";

/** One of the variants of iptables, of one family. */
export type IptablesVariant = Pick<IptablesPort, "name" | "save" | "restore">;

/** With what it has printed: at 10,000 Services that takes seconds, and is asked for once. */
export interface SavedVariant {
  readonly variant: IptablesVariant;
  readonly saved: string;
}

export interface TakeoverPorts {
  readonly nftables: NftablesPort;
  readonly iptables: readonly IptablesVariant[];
  /** Undefined where our own ipvs mode serves: what it has bears the same names. */
  readonly ipvsMode: IpvsModePorts | undefined;
}

/** What was seen of `iptables` and `ipvsMode` just now: each takes a while to list where there is much. */
export interface Seen {
  readonly variants: readonly SavedVariant[];
  readonly ipvs: IpvsRemains | undefined;
}

/** kube-proxy's, of its nftables mode (pkg/proxy/nftables). */
const tableName = "kube-proxy";
const families = ["ip", "ip6"] as const;

export async function saveVariants(variants: readonly IptablesVariant[]): Promise<readonly SavedVariant[]> {
  const saved: SavedVariant[] = [];
  for (const variant of variants) saved.push({ variant, saved: await variant.save() });
  return saved;
}

/** What there is of kube-proxy's, in words; empty: nothing. */
export async function findKubeProxy(
  { nftables, iptables, ipvsMode }: TakeoverPorts,
  seen?: Seen,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const family of families) {
    if (await hasTable(nftables, family)) found.push(`nftables table ${family} ${tableName}`);
  }
  for (const { variant, saved } of seen?.variants ?? (await saveVariants(iptables))) {
    const chains = kubeProxyChains(saved);
    if (chains.length > 0) found.push(`${chains.length} chains of ${variant.name}`);
  }
  if (ipvsMode) found.push(...describeIpvsMode(seen?.ipvs ?? (await observeIpvsMode(ipvsMode))));
  return found;
}

/**
 * Removes it. Connections that it has translated go on, for the kernel knows their translation; those that IPVS
 * balances end with it.
 *
 * @returns what it cannot remove
 * @throws FairleadError where the kernel, or iptables, refuses
 */
export async function removeKubeProxy(ports: TakeoverPorts): Promise<readonly string[]> {
  const { nftables, iptables, ipvsMode } = ports;
  for (const family of families) {
    const table = { family, name: tableName };
    if (await hasTable(nftables, family)) await nftables.transact([{ step: "delete table", table }]);
  }
  for (const variant of iptables) {
    const input = planRemoval(await variant.save());
    if (input !== undefined) await variant.restore(input);
  }
  // Behind the rules that ask its sets: the kernel destroys none that is in use.
  if (ipvsMode) await removeIpvsMode(ipvsMode);
  return findKubeProxy(ports);
}

async function hasTable(nftables: NftablesPort, family: (typeof families)[number]): Promise<boolean> {
  return (await nftables.list({ family, name: tableName })) !== undefined;
}
