/** What `--cleanup` does: nothing of ours is left. */
import type { NftablesPort } from "../../kernel/ports.ts";
import { tableName } from "../modes/nftables/table.ts";

/** @throws FairleadError where the kernel refuses */
export async function removeTables(nftables: NftablesPort): Promise<void> {
  for (const family of ["ip", "ip6"] as const) {
    const table = { family, name: tableName };
    if (await nftables.list(table)) await nftables.transact([{ step: "delete table", table }]);
  }
}
