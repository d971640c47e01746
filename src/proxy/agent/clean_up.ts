/** What `--cleanup`, and a start in another mode, do: nothing of ours is left. */
import type { IptablesPort, NftablesPort } from "../../kernel/ports.ts";
import { tableName } from "../modes/nftables/table.ts";
import {
  describeIpvsMode,
  noRemains,
  observeIpvsMode,
  removeIpvsMode,
  type IpvsModePorts,
  type IpvsRemains,
} from "../takeover/ipvs_mode.ts";
import { isOurs, planLeftovers, planRemoval } from "../takeover/plan.ts";
import { saveVariants, type IptablesVariant, type SavedVariant } from "../takeover/takeover.ts";

/** @returns tables that were there; @throws FairleadError where the kernel refuses */
export async function removeTables(nftables: NftablesPort): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const family of ["ip", "ip6"] as const) {
    const table = { family, name: tableName };
    if (!(await nftables.list(table))) continue;
    await nftables.transact([{ step: "delete table", table }]);
    removed.push(`nftables table ${family} ${tableName}`);
  }
  return removed;
}

/**
 * Chains of our iptables mode: those of a kube-proxy have the same names, and stay.
 *
 * @returns which variants had some, and what the others have printed
 * @throws FairleadError where iptables refuses
 */
export async function removeOwnChains(
  variants: readonly IptablesVariant[],
): Promise<{ readonly removed: readonly string[]; readonly others: readonly SavedVariant[] }> {
  const removed: string[] = [];
  const others: SavedVariant[] = [];
  for (const { variant, saved } of await saveVariants(variants)) {
    const input = isOurs(saved) ? planRemoval(saved) : undefined;
    if (input === undefined) others.push({ variant, saved });
    else {
      await variant.restore(input);
      removed.push(variant.name);
    }
  }
  return { removed, others };
}

/** Chains that one mode alone has, and always. */
const lastOf = { iptables: "KUBE-EXTERNAL-SERVICES", ipvs: "KUBE-IPVS-FILTER" } as const;

/**
 * Chains of the mode that was here before, where it used the same variant as the one that serves now.
 *
 * @throws FairleadError where iptables refuses
 */
export async function removeLeftovers(variants: readonly IptablesPort[], mode: "iptables" | "ipvs"): Promise<void> {
  for (const variant of variants) {
    // To print it all takes seconds at 10,000 Services.
    if (!(await variant.hasChain("filter", lastOf[mode]))) continue;
    const input = planLeftovers(await variant.save(), mode);
    if (input !== undefined) await variant.restore(input);
  }
}

/**
 * What our ipvs mode leaves beside chains: behind these, which use the sets. A kube-proxy's stays.
 *
 * @returns in words what there was, and what there is of others'
 * @throws FairleadError where the kernel refuses
 */
export async function removeOwnIpvs(
  ports: IpvsModePorts,
): Promise<{ readonly removed: readonly string[]; readonly others: IpvsRemains }> {
  const remains = await observeIpvsMode(ports);
  if (!remains.isOurs) return { removed: [], others: remains };
  await removeIpvsMode(ports, remains);
  return { removed: describeIpvsMode(remains), others: noRemains };
}
