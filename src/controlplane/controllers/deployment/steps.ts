/** What a deployment's reconciliation may do. */
import type { New, ReplicaSet } from "../../../model/kubernetes.ts";
import { missingAnnotations, sizeAnnotations } from "./revisions.ts";
import type { Deployment } from "../../../model/kubernetes.ts";
import { sizeOf } from "./bounds.ts";

export type Step =
  | {
      readonly kind: "create-replica-set";
      readonly set: New<ReplicaSet> & { readonly metadata: { readonly name: string } };
    }
  | UpdateSet
  | { readonly kind: "delete-replica-set"; readonly set: ReplicaSet };

export interface UpdateSet {
  readonly kind: "update-replica-set";
  readonly set: ReplicaSet;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly minReadySeconds?: number;
  readonly scale?: { readonly from: number; readonly to: number };
}

/** Of another size, and knowing the deployment's; nothing where both are so. */
export function scaleTo(deployment: Deployment, set: ReplicaSet, to: number): readonly UpdateSet[] {
  const annotations = missingAnnotations(set, sizeAnnotations(deployment));
  const from = sizeOf(set);
  if (from === to && !annotations) return [];
  return [
    {
      kind: "update-replica-set",
      set,
      ...(annotations ? { annotations } : {}),
      ...(from === to ? {} : { scale: { from, to } }),
    },
  ];
}

/** As scaleTo, and nothing where the size is so already. */
export function resizeTo(deployment: Deployment, set: ReplicaSet, to: number): readonly UpdateSet[] {
  return sizeOf(set) === to ? [] : scaleTo(deployment, set, to);
}
