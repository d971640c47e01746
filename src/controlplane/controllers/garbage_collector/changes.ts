/** What changed in an object's owner references. Pure. */
import type { OwnerReference } from "../../../model/kubernetes.ts";

export interface OwnerChanges {
  readonly added: readonly OwnerReference[];
  readonly removed: readonly OwnerReference[];
  /** Owners' uids whose end the object blocked, and blocks no more. */
  readonly unblocked: readonly string[];
}

const none: OwnerChanges = { added: [], removed: [], unblocked: [] };

export function changesOf(before: readonly OwnerReference[], after: readonly OwnerReference[]): OwnerChanges {
  if (before === after || (before.length === 0 && after.length === 0)) return none;
  const old = new Map(before.map((owner) => [owner.uid, owner]));
  const now = new Map(after.map((owner) => [owner.uid, owner]));
  const removed = [...old.values()].filter(({ uid }) => !now.has(uid));
  const freed = [...old.values()].filter(
    ({ uid, blockOwnerDeletion }) => blockOwnerDeletion === true && now.get(uid)?.blockOwnerDeletion !== true,
  );
  return {
    added: [...now.values()].filter(({ uid }) => !old.has(uid)),
    removed,
    unblocked: freed.map(({ uid }) => uid),
  };
}
