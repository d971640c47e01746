/** What iptables-save prints → chains with their rules. Pure. */
import type { TableName } from "./iptables_tables.ts";

/** Chain → its rules without their "-A CHAIN", in order. */
export type ObservedChains = ReadonlyMap<string, readonly string[]>;
export type ObservedTables = ReadonlyMap<TableName, ObservedChains>;

/** One table after another. Bit by bit: rulesets have a hundred thousand rules. */
export function* decodeSaved(saved: string): Generator<void, ObservedTables, void> {
  const tables = new Map<TableName, Map<string, string[]>>();
  let chains = new Map<string, string[]>();
  for (let at = 0; at < saved.length;) {
    const end = saved.indexOf("\n", at);
    const line = saved.slice(at, end < 0 ? saved.length : end);
    at = end < 0 ? saved.length : end + 1;
    if (line.startsWith("*")) tables.set(line.slice(1) as TableName, (chains = new Map<string, string[]>()));
    else if (line.startsWith(":")) chains.set(line.slice(1, line.indexOf(" ")), []);
    else if (line.startsWith("-A ")) addRule(chains, line);
    yield;
  }
  return tables;
}

/** "-A KUBE-SERVICES -d …"; a chain's rules stand together. */
function addRule(chains: Map<string, string[]>, line: string): void {
  const space = line.indexOf(" ", 3);
  const name = space < 0 ? line.slice(3) : line.slice(3, space);
  chains.get(name)?.push(space < 0 ? "" : line.slice(space + 1));
}
