/** Managers of fields, from and to metadata.managedFields (apimachinery/pkg/util/managedfields). */
import type { ManagedFieldsEntry } from "../../resources/resource.ts";
import { isBare, parsedFields, sorted, union, type FieldSet } from "./fields.ts";

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  /** Undefined where an entry came without one. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** By {@link idOf}. */
export type Managers = Map<string, Manager>;

type Identity = Pick<Manager, "name" | "operation" | "apiVersion" | "subresource">;

/** Two entries of one identity are one. Who applies is the same in whatever version. */
export function idOf({ name, operation, apiVersion, subresource }: Identity): string {
  return JSON.stringify([operation, operation === "Apply" ? "" : apiVersion, subresource, name]);
}

/** The managers that an object of ours names: its sets are canonical already. */
export function storedManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers: Managers = new Map();
  for (const entry of entries ?? []) addManager(managers, entry, (entry.fieldsV1 ?? {}) as FieldSet);
  return managers;
}

/** The managers that a client names; undefined where one of them is not as it should be. */
export function givenManagers(entries: unknown): Managers | undefined {
  const managers: Managers = new Map();
  for (const entry of Array.isArray(entries) ? (entries as unknown[]) : []) {
    if (!isEntry(entry)) return undefined;
    const fields = parsedFields(entry.fieldsV1 ?? {});
    if (!fields) return undefined;
    addManager(managers, entry, fields);
  }
  return managers;
}

function isEntry(entry: unknown): entry is ManagedFieldsEntry {
  if (typeof entry !== "object" || entry === null) return false;
  const { operation, fieldsType, manager, apiVersion, subresource } = entry as Record<string, unknown>;
  const isText = [manager, apiVersion, subresource].every((value) => value === undefined || typeof value === "string");
  return isText && fieldsType === "FieldsV1" && (operation === "Apply" || operation === "Update");
}

function addManager(managers: Managers, entry: ManagedFieldsEntry, fields: FieldSet): void {
  const manager: Manager = {
    name: entry.manager ?? "",
    operation: entry.operation ?? "Update",
    apiVersion: entry.apiVersion ?? "",
    subresource: entry.subresource ?? "",
    time: entry.time,
    fields,
  };
  managers.set(idOf(manager), manager);
}

/** Most managers by update; of more, the oldest are gathered under one name, by version. */
const maxUpdateManagers = 10;
const gatheredName = "ancient-changes";

/** The entries of an object, in upstream's order; undefined where nobody manages anything. */
export function entriesOf(managers: Managers): ManagedFieldsEntry[] | undefined {
  const left = [...capped(managers).values()].filter(({ fields }) => !isBare(fields));
  return left.length === 0 ? undefined : left.sort(inOrder).map(entryOf);
}

function entryOf({ name, operation, apiVersion, subresource, time, fields }: Manager): ManagedFieldsEntry {
  return {
    manager: name,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1",
    fieldsV1: sorted(fields),
    ...(subresource === "" ? {} : { subresource }),
  };
}

function inOrder(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    compareText(a.time ?? "", b.time ?? "") ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function capped(managers: Managers): Managers {
  const updaters = [...managers.values()].filter(({ operation }) => operation === "Update");
  if (updaters.length <= maxUpdateManagers) return managers;
  const result: Managers = new Map(managers);
  let count = updaters.length;
  // Oldest first; subresources have managers of their own kind and stay.
  for (const old of updaters.sort(inOrder)) {
    if (count <= maxUpdateManagers || old.subresource !== "" || old.name === gatheredName) continue;
    const bucket = { ...old, name: gatheredName };
    const gathered = result.get(idOf(bucket));
    result.delete(idOf(old));
    result.set(idOf(bucket), gathered ? { ...bucket, fields: union(gathered.fields, old.fields) } : bucket);
    if (gathered) count--;
  }
  return result;
}
