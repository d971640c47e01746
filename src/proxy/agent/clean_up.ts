/** What `--cleanup`, and a start in another mode, do: nothing of ours is left. */
import type { IptablesPort, NftablesPort } from "../../kernel/ports.ts";
import { tableName } from "../modes/nftables/table.ts";
import { isOurs, planRemoval } from "../takeover/plan.ts";

/** @throws FairleadError where the kernel refuses */
export async function removeTables(nftables: NftablesPort): Promise<void> {
  for (const family of ["ip", "ip6"] as const) {
    const table = { family, name: tableName };
    if (await nftables.list(table)) await nftables.transact([{ step: "delete table", table }]);
  }
}

/**
 * Chains of our iptables mode: those of a kube-proxy have the same names, and stay.
 *
 * @returns variants that had some
 * @throws FairleadError where iptables refuses
 */
export async function removeOwnChains(
  variants: readonly Pick<IptablesPort, "name" | "save" | "restore">[],
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const variant of variants) {
    const saved = await variant.save();
    const input = isOurs(saved) ? planRemoval(saved) : undefined;
    if (input === undefined) continue;
    await variant.restore(input);
    removed.push(variant.name);
  }
  return removed;
}
