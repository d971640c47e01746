/** What a write takes away from other managers (structured-merge-diff, merge/update.go). */
import { touched, type Changes } from "./compare.ts";
import type { Conflict } from "./conflicts.ts";
import { difference, intersection, isBare } from "./fields.ts";
import type { Managers } from "./managers.ts";

/** What changed, in a version; undefined for one that is not served any more. */
export type ChangesAt = (apiVersion: string) => Changes | undefined;

/** Fields of others that the changes give another value, by manager. @param writer id of who makes the changes */
export function conflictsWith(managers: Managers, changesAt: ChangesAt, writer: string | undefined): Conflict[] {
  const conflicts: Conflict[] = [];
  for (const [id, manager] of managers) {
    const changes = id === writer ? undefined : changesAt(manager.apiVersion);
    if (!changes) continue;
    const fields = intersection(manager.fields, touched(changes));
    if (!isBare(fields)) conflicts.push({ manager, fields });
  }
  return conflicts;
}

/** Others lose what changed and what is gone; who has nothing left is no manager, nor who knows a version that is gone. */
export function takeFromOthers(managers: Managers, changesAt: ChangesAt, writer: string | undefined): void {
  for (const [id, manager] of managers) {
    if (id === writer) continue;
    const changes = changesAt(manager.apiVersion);
    if (!changes) {
      managers.delete(id);
      continue;
    }
    const kept = difference(manager.fields, touched(changes));
    const fields = changes.removed ? difference(kept, changes.removed) : kept;
    if (isBare(fields)) managers.delete(id);
    else if (fields !== manager.fields) managers.set(id, { ...manager, fields });
  }
}
