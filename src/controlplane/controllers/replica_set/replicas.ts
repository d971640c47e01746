/** What ReplicaSets and ReplicationControllers have in common: so many pods of a template. */
import type { ResourceType } from "../../../api/resource_types.ts";
import type { KubeObject, ReplicaSet } from "../../../model/kubernetes.ts";
import type { LabelMatcher } from "../../../model/label_selector.ts";
import type { PodTemplate } from "../pods/template.ts";

export type ReplicaStatus = NonNullable<ReplicaSet["status"]>;

/** A set of either kind. */
export interface Replicas extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly template?: PodTemplate;
  };
  readonly status?: ReplicaStatus;
}

/** What differs between the kinds. */
export interface ReplicasKind<T extends Replicas> {
  readonly type: ResourceType<T>;
  readonly selects: (set: T) => LabelMatcher;
  /** Whether the API has status.terminatingReplicas (KEP-3973). */
  readonly countsTerminating: boolean;
}
