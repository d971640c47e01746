/** What happens in a cluster and may let a pod that waits fit (pkg/scheduler/framework ClusterEvent). */
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  CSINode,
} from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import type { PodInfo } from "../model/pod_info.ts";

export type ClusterEvent =
  | { readonly type: "NodeAdd"; readonly node: Node }
  | { readonly type: "NodeUpdate"; readonly node: Node; readonly previous: Node }
  | { readonly type: "NodeDelete"; readonly node: Node }
  /** Of pods that have a node. */
  | { readonly type: "PodAdd"; readonly pod: PodInfo }
  | { readonly type: "PodUpdate"; readonly pod: PodInfo; readonly previous: PodInfo }
  | { readonly type: "PodDelete"; readonly pod: PodInfo }
  | { readonly type: "NamespaceUpdate"; readonly name: string; readonly labels: Labels; readonly previous: Labels }
  | { readonly type: "ClaimChange"; readonly claim: PersistentVolumeClaim }
  | { readonly type: "VolumeChange"; readonly volume: PersistentVolume }
  | { readonly type: "StorageClassChange"; readonly storageClass: StorageClass }
  | { readonly type: "CSINodeChange"; readonly csiNode: CSINode };
