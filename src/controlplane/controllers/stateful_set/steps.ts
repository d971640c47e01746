/** What a StatefulSet's reconciliation may do. */
import type { New, OwnerReference, PersistentVolumeClaim, Pod } from "../../../model/kubernetes.ts";
import type { RevisionStep } from "../history/steps.ts";
import type { Replica } from "./identity.ts";

export type NewClaim = New<PersistentVolumeClaim> & { readonly metadata: { readonly name: string } };

/** A pod that is to be made, and the claims that it lacks. */
export interface Creation {
  readonly pod: Replica;
  readonly claims: readonly NewClaim[];
}

export type Step =
  | RevisionStep
  /** Several only where pods need not wait for one another. */
  | { readonly kind: "create-pods"; readonly creations: readonly Creation[] }
  | { readonly kind: "create-claims"; readonly pod: Pod; readonly claims: readonly NewClaim[] }
  | { readonly kind: "update-pod"; readonly pod: Pod }
  | {
      readonly kind: "own-claim";
      readonly claim: PersistentVolumeClaim;
      readonly owners: readonly OwnerReference[];
    }
  | { readonly kind: "delete-pods"; readonly pods: readonly Pod[] }
  /** A claim must be gone before the pod can be made: tried again later. */
  | { readonly kind: "wait-for-claim"; readonly pod: Pod; readonly claim: string; readonly isDeleted: boolean };
