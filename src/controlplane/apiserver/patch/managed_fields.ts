/** metadata.managedFields: who set which field (KEP-555). */
import type { ApiObject } from "../resources/resource.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { groupVersion } from "../verbs/endpoint.ts";
import { touched } from "./apply/compare.ts";
import { isBare, union } from "./apply/fields.ts";
import { entriesOf, givenManagers, idOf, storedManagers, type Managers } from "./apply/managers.ts";
import { takeFromOthers } from "./apply/others.ts";
import { Comparison, type VersionedResource } from "./apply/tracked.ts";

/**
 * Notes in `next`, an object with its defaults, who changed what since `old`.
 *
 * @param old undefined for a create
 * @param manager the client that writes
 * @param subresource "" for the object itself
 * @param nowMs wall clock
 */
export function trackUpdate(
  endpoint: VersionedResource,
  old: ApiObject | undefined,
  next: ApiObject,
  manager: string,
  subresource: string,
  nowMs = Date.now(),
): void {
  const managers = managersOf(old, next, subresource);
  delete next.metadata.managedFields;
  // Whose fields nobody manages is left so until somebody applies.
  if (old && managers.size === 0) return;
  const comparison = new Comparison(endpoint, old, next, subresource);
  takeFromOthers(managers, (apiVersion) => comparison.at(apiVersion), undefined);
  const own = touched(comparison.own());
  if (!isBare(own)) {
    const identity = { name: manager, operation: "Update", apiVersion: groupVersion(endpoint), subresource } as const;
    const before = managers.get(idOf(identity))?.fields ?? {};
    managers.set(idOf(identity), { ...identity, time: timestamp(nowMs), fields: union(before, own) });
  }
  const entries = entriesOf(managers);
  if (entries) next.metadata.managedFields = entries;
}

/**
 * The managers to begin with: those that the client writes into the object itself, else the current ones. One empty
 * entry resets them; an empty list does not, for clients write that which do not know the field.
 */
function managersOf(old: ApiObject | undefined, next: ApiObject, subresource: string): Managers {
  const given = subresource === "" ? next.metadata.managedFields : undefined;
  if (given?.length === 1 && Object.keys(given[0] ?? {}).length === 0) return new Map();
  const stored = old?.metadata.managedFields;
  // Mostly a client hands back what it has read, which need not be checked again.
  const isNew = given && given.length > 0 && JSON.stringify(given) !== JSON.stringify(stored);
  const managers = isNew ? givenManagers(given) : undefined;
  return managers && managers.size > 0 ? managers : storedManagers(stored);
}
