/** Volumes, claims, storage classes and what CSI drivers say. */
import type {
  V1CSIDriver,
  V1CSINode,
  V1CSIStorageCapacity,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1StorageClass,
  V1VolumeAttachment,
} from "@kubernetes/client-node";
import { ageColumn, columns, nameColumn, type Wire } from "./column.ts";
import { none, unset } from "./format.ts";

export const volumeColumns = columns<V1PersistentVolume>(
  nameColumn,
  {
    name: "Capacity",
    about: "V1PersistentVolumeSpec#capacity",
    cell: ({ spec }) => spec?.capacity?.["storage"] ?? "0",
  },
  {
    name: "Access Modes",
    about: "V1PersistentVolumeSpec#accessModes",
    cell: ({ spec }) => accessModes(spec?.accessModes),
  },
  {
    name: "Reclaim Policy",
    about: "V1PersistentVolumeSpec#persistentVolumeReclaimPolicy",
    cell: ({ spec }) => spec?.persistentVolumeReclaimPolicy,
  },
  { name: "Status", about: "V1PersistentVolumeStatus#phase", cell: phase },
  {
    name: "Claim",
    about: "V1PersistentVolumeSpec#claimRef",
    cell: ({ spec }) => spec?.claimRef && `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}`,
  },
  {
    name: "StorageClass",
    about: "StorageClass of the pv",
    cell: ({ metadata, spec }) => metadata?.annotations?.[classAnnotation] ?? spec?.storageClassName,
  },
  {
    name: "VolumeAttributesClass",
    about: "VolumeAttributesClass of the pv",
    cell: ({ spec }) => spec?.volumeAttributesClassName ?? unset,
  },
  { name: "Reason", about: "V1PersistentVolumeStatus#reason", cell: ({ status }) => status?.reason },
  ageColumn,
  {
    name: "VolumeMode",
    wide: true,
    about: "V1PersistentVolumeSpec#volumeMode",
    cell: ({ spec }) => spec?.volumeMode ?? unset,
  },
);

/** Where classes were named before they had a field. */
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export const claimColumns = columns<V1PersistentVolumeClaim>(
  nameColumn,
  { name: "Status", about: "V1PersistentVolumeClaimStatus#phase", cell: phase },
  { name: "Volume", about: "V1PersistentVolumeClaimSpec#volumeName", cell: ({ spec }) => spec?.volumeName },
  {
    name: "Capacity",
    about: "V1PersistentVolumeClaimStatus#capacity",
    cell: ({ spec, status }) => (spec?.volumeName ? (status?.capacity?.["storage"] ?? "0") : ""),
  },
  {
    name: "Access Modes",
    about: "V1PersistentVolumeClaimStatus#accessModes",
    cell: ({ spec, status }) => (spec?.volumeName ? accessModes(status?.accessModes) : ""),
  },
  {
    name: "StorageClass",
    about: "StorageClass of the pvc",
    cell: ({ metadata, spec }) => metadata?.annotations?.[classAnnotation] ?? spec?.storageClassName,
  },
  {
    name: "VolumeAttributesClass",
    about: "VolumeAttributesClass of the pvc",
    cell: ({ spec }) => spec?.volumeAttributesClassName ?? unset,
  },
  ageColumn,
  {
    name: "VolumeMode",
    wide: true,
    about: "V1PersistentVolumeClaimSpec#volumeMode",
    cell: ({ spec }) => spec?.volumeMode ?? unset,
  },
);

function phase({ metadata, status }: Wire<V1PersistentVolume | V1PersistentVolumeClaim>): string | undefined {
  return metadata?.deletionTimestamp === undefined ? status?.phase : "Terminating";
}

const shortModes: readonly (readonly [string, string])[] = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
];

function accessModes(modes: readonly string[] = []): string {
  return shortModes
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(",");
}

const defaultAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

export const storageClassColumns = columns<V1StorageClass>(
  {
    name: "Name",
    format: "name",
    about: "V1ObjectMeta#name",
    cell: ({ metadata }) => {
      const isDefault = defaultAnnotations.some((annotation) => metadata?.annotations?.[annotation] === "true");
      return `${metadata?.name ?? ""}${isDefault ? " (default)" : ""}`;
    },
  },
  { name: "Provisioner", about: "V1StorageClass#provisioner", cell: ({ provisioner }) => provisioner },
  {
    name: "ReclaimPolicy",
    about: "V1StorageClass#reclaimPolicy",
    cell: ({ reclaimPolicy }) => reclaimPolicy ?? "Delete",
  },
  {
    name: "VolumeBindingMode",
    about: "V1StorageClass#volumeBindingMode",
    cell: ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate",
  },
  {
    name: "AllowVolumeExpansion",
    about: "V1StorageClass#allowVolumeExpansion",
    cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
  },
  ageColumn,
);

export const attachmentColumns = columns<V1VolumeAttachment>(
  nameColumn,
  { name: "Attacher", format: "name", about: "V1VolumeAttachmentSpec#attacher", cell: ({ spec }) => spec?.attacher },
  {
    name: "PV",
    about: "V1VolumeAttachmentSource#persistentVolumeName",
    cell: ({ spec }) => spec?.source?.persistentVolumeName,
  },
  { name: "Node", about: "V1VolumeAttachmentSpec#nodeName", cell: ({ spec }) => spec?.nodeName },
  {
    name: "Attached",
    type: "boolean",
    about: "V1VolumeAttachmentStatus#attached",
    cell: ({ status }) => status?.attached,
  },
  ageColumn,
);

export const csiNodeColumns = columns<V1CSINode>(
  nameColumn,
  {
    name: "Drivers",
    type: "integer",
    about: "Drivers indicates the number of CSI drivers registered on the node",
    cell: ({ spec }) => spec?.drivers?.length,
  },
  ageColumn,
);

export const csiDriverColumns = columns<V1CSIDriver>(
  nameColumn,
  {
    name: "AttachRequired",
    type: "boolean",
    about: "V1CSIDriverSpec#attachRequired",
    cell: ({ spec }) => spec?.attachRequired ?? true,
  },
  {
    name: "PodInfoOnMount",
    type: "boolean",
    about: "V1CSIDriverSpec#podInfoOnMount",
    cell: ({ spec }) => spec?.podInfoOnMount,
  },
  {
    name: "StorageCapacity",
    type: "boolean",
    about: "V1CSIDriverSpec#storageCapacity",
    cell: ({ spec }) => spec?.storageCapacity,
  },
  {
    name: "TokenRequests",
    about: "V1CSIDriverSpec#tokenRequests",
    cell: ({ spec }) => (spec?.tokenRequests ?? []).map(({ audience }) => audience).join(",") || unset,
  },
  {
    name: "RequiresRepublish",
    type: "boolean",
    about: "V1CSIDriverSpec#requiresRepublish",
    cell: ({ spec }) => spec?.requiresRepublish,
  },
  {
    name: "Modes",
    about: "V1CSIDriverSpec#volumeLifecycleModes",
    cell: ({ spec }) => (spec?.volumeLifecycleModes ?? []).join(",") || none,
  },
  ageColumn,
);

export const csiCapacityColumns = columns<V1CSIStorageCapacity>(
  nameColumn,
  {
    name: "StorageClassName",
    about: "V1CSIStorageCapacity#storageClassName",
    cell: ({ storageClassName }) => storageClassName,
  },
  { name: "Capacity", about: "V1CSIStorageCapacity#capacity", cell: ({ capacity }) => capacity ?? unset },
);
