/**
 * What a quota's namespace uses (upstream: pkg/controller/resourcequota). What an object counts for is the
 * admission's matter too, and stands there. Pure.
 */
import type { KubeObject, ResourceQuota } from "../../../model/kubernetes.ts";
import { formatQuantity, nanos, parseQuantity } from "../../../model/quantity.ts";
import { matchesScopes } from "../../apiserver/admission/quota/scopes.ts";
import { countedKind, usageOf } from "../../apiserver/admission/quota/usage.ts";

export interface Kind {
  readonly group: string;
  readonly plural: string;
}

export type QuotaStatus = NonNullable<ResourceQuota["status"]>;

/** What has to be counted for a quota. */
export function kindsOf(quota: ResourceQuota): readonly Kind[] {
  const kinds = Object.keys(quota.spec.hard ?? {}).map(countedKind);
  return [...new Map(kinds.map((kind) => [`${kind.plural}.${kind.group}`, kind])).values()];
}

/** @param objectsOf a namespace's objects of a kind; undefined where nobody can tell */
export function usedBy(
  quota: ResourceQuota,
  objectsOf: (kind: Kind) => readonly KubeObject[] | undefined,
): ReadonlyMap<string, bigint> {
  const spec = quota.spec;
  const names = Object.keys(spec.hard ?? {});
  const used = new Map<string, bigint>();
  for (const kind of kindsOf(quota)) {
    const objects = objectsOf(kind);
    if (!objects) continue;
    for (const name of names) if (isCountedIn(name, kind)) used.set(name, 0n);
    for (const object of objects) {
      const counted = object as unknown as Parameters<typeof usageOf>[1] & object;
      if (!matchesScopes(spec, kind.plural, counted)) continue;
      for (const [name, amount] of usageOf(kind, counted)) {
        if (used.has(name)) used.set(name, used.get(name)! + amount);
      }
    }
  }
  return used;
}

function isCountedIn(name: string, { group, plural }: Kind): boolean {
  const kind = countedKind(name);
  return kind.group === group && kind.plural === plural;
}

/** @returns the status as it should be, or undefined where it is; what nobody can count stays as it was */
export function planQuota(quota: ResourceQuota, counted: ReadonlyMap<string, bigint>): QuotaStatus | undefined {
  const hard = quota.spec.hard ?? {};
  const before = quota.status;
  const used: Record<string, string> = {};
  for (const [name, bound] of Object.entries(hard)) {
    const amount = counted.get(name);
    const old = before?.used?.[name];
    if (amount !== undefined) used[name] = text(amount, old ?? bound);
    else if (old !== undefined) used[name] = old;
  }
  const isSame = before?.hard && before.used && areEqual(before.hard, hard) && areEqual(before.used, used);
  return isSame ? undefined : { hard, used };
}

/** Whether something is used less than the status says: an object may be on its way that admission has counted. */
export function isLower({ status }: ResourceQuota, { used = {} }: QuotaStatus): boolean {
  return Object.entries(used).some(([name, amount]) => nanos(amount) < nanos(status?.used?.[name]));
}

type Quantities = Readonly<Record<string, string>>;

function areEqual(a: Quantities, b: Quantities): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => name in b && nanos(a[name]) === nanos(b[name]))
  );
}

/** An amount in the notation of another. */
function text(amount: bigint, like: string): string {
  return formatQuantity({ nanos: amount, format: parseQuantity(like).format });
}
