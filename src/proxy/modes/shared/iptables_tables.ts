/** What tables of iptables are made of. Rules are as iptables-save prints them. */

export type TableName = "nat" | "filter" | "mangle";

export interface TableRule {
  readonly table: TableName;
  readonly chain: string;
  readonly rule: string;
}

/** A chain whole. Rules are without their "-A CHAIN". */
export interface FixedChain {
  readonly table: TableName;
  readonly chain: string;
  readonly rules: readonly string[];
}
