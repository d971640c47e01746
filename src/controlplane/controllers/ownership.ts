/**
 * Whose an object is: the one owner reference with `controller: true`, taken by selector and given back
 * (upstream: pkg/controller/controller_ref_manager.go).
 */
import { apiVersionOf, type ResourceType } from "../../api/resource_types.ts";
import { keyOf, type Client } from "../../api/client.ts";
import { isInvalid, isNotFound } from "../../api/status_error.ts";
import type { KubeObject, ObjectMeta, OwnerReference } from "../../model/kubernetes.ts";
import type { LabelMatcher } from "../../model/label_selector.ts";

export function controllerOf({ metadata }: { readonly metadata: Partial<ObjectMeta> }): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/** The reference that what an owner controls carries. */
export function controllerRef(type: ResourceType<KubeObject>, { metadata }: KubeObject): OwnerReference {
  const { name, uid } = metadata;
  return { apiVersion: apiVersionOf(type), kind: type.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export interface Claim<T> {
  /** The owner's already, and selected. */
  readonly owned: readonly T[];
  /** Nobody's and selected: to be taken. */
  readonly adopt: readonly T[];
  /** The owner's and not selected any more: to be given back. */
  readonly release: readonly T[];
}

/** Pure. An owner that is being deleted adopts nothing; what is being deleted is not adopted. */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  selects: LabelMatcher,
  candidates: readonly T[],
): Claim<T> {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  const isLeaving = owner.metadata.deletionTimestamp !== undefined;
  for (const candidate of candidates) {
    const controller = controllerOf(candidate);
    const isSelected = selects(candidate.metadata.labels);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (isSelected) owned.push(candidate);
      else if (!isLeaving) release.push(candidate);
    } else if (isSelected && !isLeaving && candidate.metadata.deletionTimestamp === undefined) {
      adopt.push(candidate);
    }
  }
  return { owned, adopt, release };
}

/**
 * Carries a claim out.
 *
 * @param owner as it is cached; before anything is adopted it is read again, so that one that is gone or
 *   being deleted, or another of the same name, adopts nothing
 * @returns what is the owner's now
 */
export async function applyClaim<Owner extends KubeObject, T extends KubeObject>(
  client: Client,
  {
    ownerType,
    owner,
    type,
    claimed,
  }: {
    readonly ownerType: ResourceType<Owner>;
    readonly owner: Owner;
    readonly type: ResourceType<T>;
    readonly claimed: Claim<T>;
  },
): Promise<readonly T[]> {
  for (const object of claimed.release) await release(client, type, object, owner);
  if (claimed.adopt.length === 0) return claimed.owned;
  const fresh = await client.get(ownerType, keyOf(owner));
  if (fresh.metadata.uid !== owner.metadata.uid || fresh.metadata.deletionTimestamp !== undefined) return claimed.owned;
  const adopted: T[] = [];
  for (const object of claimed.adopt) {
    const taken = await adopt(client, type, object, controllerRef(ownerType as ResourceType<KubeObject>, owner));
    if (taken) adopted.push(taken);
  }
  return [...claimed.owned, ...adopted];
}

async function adopt<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  reference: OwnerReference,
): Promise<T | undefined> {
  const body = { metadata: { uid: object.metadata.uid, ownerReferences: [reference] } };
  return gone(client.patch(type, keyOf(object), { type: "strategic", body }));
}

async function release<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  owner: KubeObject,
): Promise<void> {
  const references = [{ $patch: "delete", uid: owner.metadata.uid }];
  const body = { metadata: { uid: object.metadata.uid, ownerReferences: references } };
  await gone(client.patch(type, keyOf(object), { type: "strategic", body }));
}

/** An object that is gone, or another of its name, is nobody's to take: undefined. */
async function gone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error) || isInvalid(error)) return undefined;
    throw error;
  }
}
