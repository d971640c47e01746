/** Which pods use a claim, by an index that all who ask share. */
import type { Index } from "../../../api/object_store.ts";
import type { Informers } from "../../../api/informers.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { Pod } from "../../../model/kubernetes.ts";

export interface ClaimUsers {
  /** @param claim "namespace/name" */
  of(claim: string): readonly Pod[];
}

const indexes = new WeakMap<Informers, ClaimUsers>();

export function claimUsers(informers: Informers): ClaimUsers {
  const known = indexes.get(informers);
  if (known) return known;
  const index: Index<Pod> = informers.of(resourceTypes.pods).objects.addIndex(claimsOf);
  const users: ClaimUsers = { of: (claim) => index.get(claim) };
  indexes.set(informers, users);
  return users;
}

/** A claim of an ephemeral volume is named after the pod and the volume (KEP-1698). */
export function claimsOf({ metadata, spec }: Pod): readonly string[] {
  const { namespace = "", name: pod } = metadata;
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [`${namespace}/${persistentVolumeClaim.claimName}`];
    return ephemeral ? [`${namespace}/${pod}-${name}`] : [];
  });
}
