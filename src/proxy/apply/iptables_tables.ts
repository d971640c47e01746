/** What modes with chains of iptables ask of the kernel alike. */
import type { IptablesPort } from "../../kernel/ports.ts";
import { paced } from "../../reconcile/pace.ts";
import { canaries, commonNames } from "../modes/shared/iptables_chains.ts";
import { decodeSaved, type ObservedChains, type ObservedTables } from "../modes/shared/iptables_saved.ts";
import type { TableName } from "../modes/shared/iptables_tables.ts";

/** Every chain of the tables that have some of ours. @throws FairleadError NATIVE_CALL */
export async function observeTables(port: Pick<IptablesPort, "list">): Promise<ObservedTables> {
  const tables = new Map<TableName, ObservedChains>();
  for (const table of canaries) {
    for (const [name, chains] of await paced(decodeSaved(await port.list(table)))) tables.set(name, chains);
  }
  return tables;
}

/** Whether nobody has emptied the tables (upstream: utiliptables.Monitor). @throws FairleadError NATIVE_CALL */
export async function hasCanaries(port: Pick<IptablesPort, "hasChain">): Promise<boolean> {
  for (const table of canaries) if (!(await port.hasChain(table, commonNames.canary))) return false;
  return true;
}
