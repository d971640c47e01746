/** Finds what a kube-proxy has programmed on this machine, and removes it once ours serves in its place. */
import type { NftablesPort, RoutingPort } from "../../kernel/ports.ts";
import { kubeProxyChains, planRemoval } from "./plan.ts";

/** One of the variants of iptables, of one family. */
export interface IptablesVariant {
  /** "iptables-nft": for messages. */
  readonly name: string;
  /** What it prints; "" where it cannot be run. */
  save(): Promise<string>;
  /** @throws FairleadError where it refuses */
  restore(input: string): Promise<void>;
}

export interface TakeoverPorts {
  readonly nftables: NftablesPort;
  readonly routing: RoutingPort;
  readonly iptables: readonly IptablesVariant[];
}

/** kube-proxy's, of its nftables mode (pkg/proxy/nftables). */
const tableName = "kube-proxy";
/** The device that holds Services' addresses in the ipvs mode. */
const ipvsDevice = "kube-ipvs0";
const families = ["ip", "ip6"] as const;

/** What there is of kube-proxy's, in words; empty: nothing. */
export async function findKubeProxy({ nftables, routing, iptables }: TakeoverPorts): Promise<readonly string[]> {
  const found: string[] = [];
  for (const family of families) {
    if (await hasTable(nftables, family)) found.push(`nftables table ${family} ${tableName}`);
  }
  for (const variant of iptables) {
    const chains = kubeProxyChains(await variant.save());
    if (chains.length > 0) found.push(`${chains.length} chains of ${variant.name}`);
  }
  const links = await routing.links();
  if (links.some(({ name }) => name === ipvsDevice)) found.push(`ipvs device ${ipvsDevice}`);
  return found;
}

/**
 * Removes it. Connections that it has translated go on: the kernel knows their translation.
 *
 * @returns what it cannot remove
 * @throws FairleadError where the kernel, or iptables, refuses
 */
export async function removeKubeProxy(ports: TakeoverPorts): Promise<readonly string[]> {
  const { nftables, iptables } = ports;
  for (const family of families) {
    const table = { family, name: tableName };
    if (await hasTable(nftables, family)) await nftables.transact([{ step: "delete table", table }]);
  }
  for (const variant of iptables) {
    const input = planRemoval(await variant.save());
    if (input !== undefined) await variant.restore(input);
  }
  return findKubeProxy(ports);
}

async function hasTable(nftables: NftablesPort, family: (typeof families)[number]): Promise<boolean> {
  return (await nftables.list({ family, name: tableName })) !== undefined;
}
