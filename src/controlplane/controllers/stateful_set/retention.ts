/** Whose a pod's claims are, by persistentVolumeClaimRetentionPolicy (KEP-1847). Pure. */
import { apiVersionOf, resourceTypes, type ResourceType } from "../../../api/resource_types.ts";
import type { KubeObject, OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { controllerRef } from "../ownership.ts";
import { isInRange } from "./identity.ts";

const { statefulSets, pods } = resourceTypes;

export interface Policy {
  readonly deletesWithSet: boolean;
  readonly deletesWithScale: boolean;
}

export function policyOf({ spec }: StatefulSet): Policy {
  const { whenDeleted, whenScaled } = spec.persistentVolumeClaimRetentionPolicy ?? {};
  return { deletesWithSet: whenDeleted === "Delete", deletesWithScale: whenScaled === "Delete" };
}

/** Same kind and name; another of the name has another uid. */
function isFor(
  { apiVersion, kind, name }: OwnerReference,
  type: ResourceType<KubeObject>,
  object: KubeObject,
): boolean {
  return apiVersion === apiVersionOf(type) && kind === type.kind && name === object.metadata.name;
}

/** Whether a claim is a former pod's of the name: it goes with that one, and cannot be used. */
export function isStale(claim: PersistentVolumeClaim, pod: Pod): boolean {
  return (claim.metadata.ownerReferences ?? []).some(
    (reference) => isFor(reference, pods, pod) && reference.uid !== pod.metadata.uid,
  );
}

/** Who should own the claim of a pod that is there; others' references are kept. */
export function wantedOwners(
  claim: Pick<PersistentVolumeClaim, "metadata">,
  set: StatefulSet,
  pod: Pod,
): readonly OwnerReference[] {
  const before = claim.metadata.ownerReferences ?? [];
  const others = before.filter((reference) => !isFor(reference, statefulSets, set) && !isFor(reference, pods, pod));
  if (hasOtherController(before, set, pod)) {
    const isOurs = before.some(({ uid }) => uid === set.metadata.uid || uid === pod.metadata.uid);
    return isOurs ? others : before;
  }
  const owner = ownerBy(policyOf(set), set, pod);
  return owner ? [...others, owner] : others;
}

/** One that is neither the set nor the pod, or was so: then the claim is left to it. */
function hasOtherController(references: readonly OwnerReference[], set: StatefulSet, pod: Pod): boolean {
  const { deletesWithScale, deletesWithSet } = policyOf(set);
  if (!deletesWithScale && !deletesWithSet) return false;
  return references.some((reference) => {
    if (isFor(reference, statefulSets, set)) return reference.uid !== set.metadata.uid;
    if (isFor(reference, pods, pod)) return reference.uid !== pod.metadata.uid;
    return reference.controller === true;
  });
}

function ownerBy({ deletesWithSet, deletesWithScale }: Policy, set: StatefulSet, pod: Pod): OwnerReference | undefined {
  if (deletesWithScale && !isInRange(set, pod)) return controllerRef(pods, pod);
  return deletesWithSet ? controllerRef(statefulSets, set) : undefined;
}

export function sameOwners(a: readonly OwnerReference[], b: readonly OwnerReference[]): boolean {
  const text = (references: readonly OwnerReference[]): string =>
    references
      .map(({ uid, controller }) => `${uid}${controller ? " controls" : ""}`)
      .sort()
      .join();
  return text(a) === text(b);
}
