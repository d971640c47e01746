/** Conflicts of an apply with what others manage, as upstream tells them (managedfields/internal/conflict.go). */
import { ApiError, type Cause } from "../../status.ts";
import { paths, type FieldSet } from "./fields.ts";
import type { Manager } from "./managers.ts";

export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

/** 409 that names every field and who manages it. */
export function conflictError(conflicts: readonly Conflict[]): ApiError {
  const causes: Cause[] = [];
  const byManager = new Map<string, string[]>();
  for (const { manager, fields } of conflicts) {
    const name = managerText(manager);
    for (const path of paths(fields)) {
      causes.push({ reason: "FieldManagerConflict", message: `conflict with ${name}`, field: path });
      byManager.set(name, [...(byManager.get(name) ?? []), path]);
    }
  }
  return new ApiError("Conflict", messageOf(causes, byManager), { causes });
}

function messageOf(causes: readonly Cause[], byManager: ReadonlyMap<string, readonly string[]>): string {
  const only = causes[0]!;
  if (causes.length === 1) return `Apply failed with 1 conflict: ${only.message}: ${only.field ?? ""}`;
  const lines: string[] = [];
  for (const name of [...byManager.keys()].sort()) {
    lines.push(`conflicts with ${name}:`, ...byManager.get(name)!.map((path) => `- ${path}`));
  }
  return `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`;
}

function managerText({ name, subresource, operation, apiVersion }: Manager): string {
  const who = subresource === "" ? JSON.stringify(name) : `${JSON.stringify(name)} with subresource "${subresource}"`;
  return operation === "Update" ? `${who} using ${apiVersion}` : who;
}
