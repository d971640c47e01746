/**
 * Volumes that are folders of a node, made when a claim's pod has its node: what clusters of one machine or
 * few use for want of a storage system. docs/decisions/045 says who makes and removes the folder.
 */
import type { New, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../model/kubernetes.ts";
import {
  annotation,
  isDelayed,
  provisionedBy,
  selectedNode,
  storageProvisioner,
} from "../persistent_volume_binder/volumes.ts";
import type { VolumeEvent } from "../persistent_volume_binder/plan.ts";
import {
  hostnameLabel,
  localPathFinalizer as dataFinalizer,
  localPathProvisioner as provisionerName,
} from "../../../model/local_path.ts";

export const className = "local-path";

export interface ClaimPlan {
  readonly create?: New<PersistentVolume>;
  /** Before the volume is made, and instead of it. */
  readonly event?: VolumeEvent;
  /** The scheduler is to choose another node. */
  readonly isRescheduled?: boolean;
}

/** @returns undefined where the claim is not this provisioner's, or has to wait */
export function planClaim(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass | undefined,
  node: (name: string) => Node | undefined,
  folder: string,
): ClaimPlan | undefined {
  const isOurs =
    annotation(claim, storageProvisioner) === provisionerName && storageClass?.provisioner === provisionerName;
  if (!isOurs || claim.spec.volumeName || claim.metadata.deletionTimestamp !== undefined) return undefined;
  const refusal = refuse(claim);
  if (refusal !== undefined) return { event: failed(storageClass, refusal) };
  const nodeName = annotation(claim, selectedNode);
  if (nodeName === undefined) {
    if (isDelayed(storageClass)) return undefined;
    const message = "a volume of a node's folder needs volumeBindingMode WaitForFirstConsumer";
    return { event: failed(storageClass, message) };
  }
  const found = node(nodeName);
  if (!found) {
    const message = `failed to get target node: nodes ${JSON.stringify(nodeName)} not found`;
    return { event: failed(storageClass, message), isRescheduled: true };
  }
  const { namespace = "", name } = claim.metadata;
  const message = `External provisioner is provisioning volume for claim ${JSON.stringify(`${namespace}/${name}`)}`;
  return {
    event: { type: "Normal", reason: "Provisioning", message },
    create: volumeOf(claim, storageClass, found, folder),
  };
}

function failed({ metadata }: StorageClass, why: string): VolumeEvent {
  const message = `failed to provision volume with StorageClass ${JSON.stringify(metadata.name)}: ${why}`;
  return { type: "Warning", reason: "ProvisioningFailed", message };
}

function refuse({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec.volumeMode === "Block") return "block volumes are not supported";
  if (spec.selector !== undefined) return "claim.Spec.Selector is not supported";
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined) return "data sources are not supported";
  const shared = (spec.accessModes ?? []).find((mode) => mode !== "ReadWriteOnce" && mode !== "ReadWriteOncePod");
  return shared === undefined
    ? undefined
    : `access mode ${shared} is not supported, only ReadWriteOnce and ReadWriteOncePod`;
}

function volumeOf(
  claim: PersistentVolumeClaim,
  { reclaimPolicy, metadata: { name: storageClassName }, mountOptions }: StorageClass,
  node: Node,
  folder: string,
): New<PersistentVolume> {
  const { namespace = "", name, uid, resourceVersion } = claim.metadata;
  const host = node.metadata.labels?.[hostnameLabel] ?? node.metadata.name;
  const policy = reclaimPolicy ?? "Delete";
  return {
    metadata: {
      name: `pvc-${uid}`,
      annotations: { [provisionedBy]: provisionerName },
      ...(policy === "Delete" ? { finalizers: [dataFinalizer] } : {}),
    },
    spec: {
      accessModes: claim.spec.accessModes ?? ["ReadWriteOnce"],
      capacity: { storage: claim.spec.resources?.requests?.["storage"] ?? "0" },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid, resourceVersion },
      hostPath: { path: `${folder}/pvc-${uid}_${namespace}_${name}`, type: "DirectoryOrCreate" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: hostnameLabel, operator: "In", values: [host] }] }],
        },
      },
      persistentVolumeReclaimPolicy: policy,
      storageClassName,
      volumeMode: "Filesystem",
      ...(mountOptions ? { mountOptions } : {}),
    },
  };
}

export type VolumePlan =
  | { readonly kind: "delete" }
  /** Its node is gone for good, and the folder with it. */
  | { readonly kind: "forget"; readonly finalizers: readonly string[] }
  | { readonly kind: "wait"; readonly node: string };

/** @param nodes by the hostname that their label says */
export function planVolume(
  volume: PersistentVolume,
  nodes: (hostname: string) => readonly Node[],
): VolumePlan | undefined {
  const { metadata, spec, status } = volume;
  if (annotation(volume, provisionedBy) !== provisionerName) return undefined;
  if (metadata.deletionTimestamp === undefined) {
    const isReleased = status?.phase === "Released" && spec.persistentVolumeReclaimPolicy === "Delete";
    return isReleased ? { kind: "delete" } : undefined;
  }
  const finalizers = metadata.finalizers ?? [];
  if (!finalizers.includes(dataFinalizer) || status?.phase === "Bound") return undefined;
  const host = spec.nodeAffinity?.required?.nodeSelectorTerms?.[0]?.matchExpressions?.[0]?.values?.[0] ?? "";
  if (nodes(host).length > 0) return { kind: "wait", node: host };
  return { kind: "forget", finalizers: finalizers.filter((one) => one !== dataFinalizer) };
}

/** The class that claims get when they name none, unless the operator has another default. */
export function defaultClassOf(hasOther: boolean): New<StorageClass> {
  return {
    metadata: {
      name: className,
      ...(hasOther ? {} : { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } }),
    },
    provisioner: provisionerName,
    reclaimPolicy: "Delete",
    volumeBindingMode: "WaitForFirstConsumer",
  };
}
