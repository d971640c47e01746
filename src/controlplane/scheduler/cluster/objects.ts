/** What else of the API decides about nodes: read where it is needed, from the informers' stores. */
import type { ObjectStore } from "../../../api/object_store.ts";
import type {
  CSINode,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
  StorageClass,
} from "../../../model/kubernetes.ts";

export interface ClusterObjects {
  readonly namespaces: ObjectStore<Namespace>;
  readonly services: ObjectStore<Service>;
  readonly replicationControllers: ObjectStore<ReplicationController>;
  readonly replicaSets: ObjectStore<ReplicaSet>;
  readonly statefulSets: ObjectStore<StatefulSet>;
  readonly persistentVolumes: ObjectStore<PersistentVolume>;
  readonly persistentVolumeClaims: ObjectStore<PersistentVolumeClaim>;
  readonly storageClasses: ObjectStore<StorageClass>;
  readonly csiNodes: ObjectStore<CSINode>;
  readonly podDisruptionBudgets: ObjectStore<PodDisruptionBudget>;
}
