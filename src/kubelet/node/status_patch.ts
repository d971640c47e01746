/** A node's status → the patch that makes it so, and leaves what others wrote (strategic merge, meta/v1). */
import { replacement } from "../../api/patch_list.ts";
import type { NodeStatus } from "./render.ts";

/**
 * @param before what was written last: what it had and the status has not, goes
 * @param hasAddresses whether the object has any
 */
export function statusPatch(status: NodeStatus, before: NodeStatus | undefined, hasAddresses: boolean): object {
  const addresses = status.addresses ?? [];
  return {
    status: {
      ...status,
      // They are merged by type, and a node of two families has two of one type: the list is replaced whole.
      addresses: hasAddresses ? replacement(addresses) : addresses,
      capacity: withoutGone(status.capacity, before?.capacity),
      allocatable: withoutGone(status.allocatable, before?.allocatable),
    },
  };
}

type Amounts = Readonly<Record<string, string>>;

function withoutGone(now: Amounts = {}, before: Amounts = {}): Record<string, string | null> {
  const gone = Object.keys(before).filter((name) => !(name in now) && isOwn(name));
  return { ...Object.fromEntries(gone.map((name) => [name, null])), ...now };
}

/** Extended resources are others'. */
function isOwn(name: string): boolean {
  return !name.includes("/");
}
