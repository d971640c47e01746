/** Listings in a form that compares: bytes as text, elements in order, without what no two kernels share. */
import { constants } from "node:os";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import type { NftTable, NftTableRef } from "../../../src/kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../src/kernel/netlink/nftables/step.ts";
import type { NftablesPort } from "../../../src/kernel/ports.ts";

/** Handles count failed transactions too; generations are the namespace's; expirations are on their way. */
const fleeting: ReadonlySet<string> = new Set(["handle", "generation", "expirationMs"]);

export function normal(listed: unknown): unknown {
  if (listed instanceof Uint8Array) return Buffer.from(listed).toString("hex");
  if (typeof listed === "bigint") return `${listed}n`;
  if (Array.isArray(listed)) return listed.map(normal);
  if (typeof listed !== "object" || listed === null) return listed;
  const fields = Object.entries(listed)
    .filter(([name]) => !fleeting.has(name))
    .map(([name, value]) => [name, name === "elements" ? sorted(value as unknown[]) : normal(value)]);
  return Object.fromEntries(fields);
}

function sorted(elements: readonly unknown[]): unknown[] {
  const text = (element: unknown): string => JSON.stringify(element, Object.keys(element as object).sort());
  return elements.map(normal).sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** The tables that steps act on, as they are. */
export async function listed(port: NftablesPort, steps: readonly NftStep[]): Promise<unknown> {
  const refs = new Map<string, NftTableRef>(
    steps.map(({ table: { family, name } }) => [`${family} ${name}`, { family, name }]),
  );
  const tables: (NftTable | undefined)[] = [];
  for (const ref of refs.values()) tables.push(await port.list(ref));
  return normal(tables);
}

/** "done", or the name of the errno with which the steps were refused. */
export async function outcome(port: NftablesPort, steps: readonly NftStep[]): Promise<string> {
  try {
    await port.transact(steps);
    return "done";
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    return error.errno === undefined ? error.code : errnoName(error.errno);
  }
}

function errnoName(errno: number): string {
  // ENOTSUP is another name of the same number.
  if (errno === constants.errno.EOPNOTSUPP) return "EOPNOTSUPP";
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
}
