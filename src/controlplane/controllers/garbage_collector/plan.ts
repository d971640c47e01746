/** What becomes of an object, by its owners (upstream: pkg/controller/garbagecollector, attemptToDeleteItem). Pure. */
import type { OwnerReference } from "../../../model/kubernetes.ts";
import type { OwnedMetadata } from "./identity.ts";

export type Propagation = "Orphan" | "Foreground" | "Background";

export type GarbageStep =
  | { readonly type: "delete"; readonly policy: Propagation }
  /** Takes the references to these owners away. */
  | { readonly type: "disown"; readonly uids: readonly string[] }
  /** No owner waits for the object any more. */
  | { readonly type: "unblock" };

/** What is known of an owner: it is there, it is not, or it waits for its dependents to be deleted. */
export type OwnerState = "solid" | "dangling" | "waiting";

export interface Item {
  /** As the server has it. */
  readonly metadata: OwnedMetadata;
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[];
  readonly hasDependents: boolean;
  /** One of its dependents waits for its own dependents in turn: it may be a circle. */
  readonly hasWaitingDependent: boolean;
}

export function planItem({ metadata, owners, hasDependents, hasWaitingDependent }: Item): readonly GarbageStep[] {
  if (owners.length === 0) return [];
  const isLost = ({ state }: Item["owners"][number]): boolean => state !== "solid";
  if (owners.some((owner) => !isLost(owner))) {
    // An owner that waits would wait for ever: the object stays for the sake of another.
    const uids = owners.filter(isLost).map(({ reference }) => reference.uid);
    return uids.length === 0 ? [] : [{ type: "disown", uids }];
  }
  if (owners.some(({ state }) => state === "waiting") && hasDependents) {
    const deletion = { type: "delete", policy: "Foreground" } as const;
    return hasWaitingDependent ? [{ type: "unblock" }, deletion] : [deletion];
  }
  return [{ type: "delete", policy: policyOf(metadata) }];
}

/** What somebody has asked for already holds. */
function policyOf({ finalizers = [] }: OwnedMetadata): Propagation {
  if (finalizers.includes("orphan")) return "Orphan";
  return finalizers.includes("foregroundDeletion") ? "Foreground" : "Background";
}

/** @returns references without those to these owners */
export function withoutOwners(
  { ownerReferences = [] }: OwnedMetadata,
  uids: readonly string[],
): readonly OwnerReference[] {
  return ownerReferences.filter(({ uid }) => !uids.includes(uid));
}

export function unblocked({ ownerReferences = [] }: OwnedMetadata): readonly OwnerReference[] {
  return ownerReferences.map((owner) => (owner.blockOwnerDeletion ? { ...owner, blockOwnerDeletion: false } : owner));
}
