/** A quota's count, moved by a write (plugin/pkg/admission/resourcequota/controller.go). Pure. */
import type { ApiObject } from "../../resources/resource.ts";
import { formatQuantity, nanos, parseQuantity } from "../../../../model/quantity.ts";
import type { Amounts } from "../limits.ts";
import type { QuotaSpec } from "./scopes.ts";

interface QuotaStatus {
  readonly hard?: Readonly<Record<string, string>>;
  readonly used?: Readonly<Record<string, string>>;
}

/** Resources that a quota bounds and that are not counted yet: nobody has looked since they were named. */
export function uncounted(quota: ApiObject): string[] {
  const { hard, status } = partsOf(quota);
  return Object.keys(hard).filter((name) => status.used?.[name] === undefined);
}

/** What of the amounts a quota bounds. */
export function bounded(quota: ApiObject, amounts: Amounts): Amounts {
  const { hard } = partsOf(quota);
  return new Map([...amounts].filter(([name, amount]) => name in hard && amount !== 0n));
}

export interface Excess {
  /** `exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2` */
  readonly message: string;
}

/**
 * A quota with its count moved.
 *
 * @param counts of resources that are not counted yet
 * @param by may be negative; nothing counts below zero
 * @returns the excess where a growing count would be over its bound
 */
export function moved(quota: ApiObject, counts: Amounts, by: Amounts): ApiObject | Excess {
  const { hard, status } = partsOf(quota);
  const used: Record<string, string> = {};
  const over: string[] = [];
  for (const [name, bound] of Object.entries(hard)) {
    const before = status.used?.[name] === undefined ? (counts.get(name) ?? 0n) : nanos(status.used[name]);
    const change = by.get(name) ?? 0n;
    const after = before + change < 0n ? 0n : before + change;
    if (change > 0n && after > nanos(bound)) over.push(name);
    used[name] = text(after, status.used?.[name] ?? bound);
  }
  if (over.length > 0) return { message: excess(quota, counts, by, over) };
  return { ...quota, status: { ...status, hard: { ...hard }, used } };
}

function excess(quota: ApiObject, counts: Amounts, by: Amounts, over: readonly string[]): string {
  const { hard, status } = partsOf(quota);
  const said = (amountOf: (name: string) => string): string =>
    [...over]
      .sort()
      .map((name) => `${name}=${amountOf(name)}`)
      .join(",");
  const requested = said((name) => text(by.get(name) ?? 0n, hard[name]!));
  const used = said((name) => status.used?.[name] ?? text(counts.get(name) ?? 0n, hard[name]!));
  const name = quota.metadata.name ?? "";
  return `exceeded quota: ${name}, requested: ${requested}, used: ${used}, limited: ${said((n) => hard[n]!)}`;
}

/** An amount in the notation of another. */
function text(amount: bigint, like: string): string {
  return formatQuantity({ nanos: amount, format: parseQuantity(like).format });
}

function partsOf(quota: ApiObject): { hard: Readonly<Record<string, string>>; status: QuotaStatus } {
  return {
    hard: (quota["spec"] as QuotaSpec | undefined)?.hard ?? {},
    status: quota["status"] ?? {},
  };
}
