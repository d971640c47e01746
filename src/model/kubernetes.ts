/**
 * The API's objects as JSON has them and as a client reads them: times are text, nothing may be changed
 * (objects that were read are shared), and what the server always sets is there.
 */
import type {
  CoreV1Event,
  V1CertificateSigningRequest,
  V1ClusterRole,
  V1ClusterRoleBinding,
  V1ConfigMap,
  V1ControllerRevision,
  V1CronJob,
  V1CSINode,
  V1CustomResourceDefinition,
  V1DaemonSet,
  V1Deployment,
  V1Endpoints,
  V1EndpointSlice,
  V1IPAddress,
  V1Job,
  V1Lease,
  V1Namespace,
  V1Node,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1PriorityClass,
  V1ReplicaSet,
  V1ReplicationController,
  V1ResourceQuota,
  V1Role,
  V1RoleBinding,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1ServiceCIDR,
  V1StatefulSet,
  V1StorageClass,
  V1SubjectAccessReview,
  V1TokenReview,
} from "@kubernetes/client-node";

/** The models call a field that is a word of the language `_default`. */
type FieldName<K> = K extends `_${infer Rest}` ? Rest : K;

/** A model of the published client as JSON: what it calls optional may lack. */
export type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? string extends keyof T
        ? Readonly<Record<string, Json<T[keyof T]>>>
        : { readonly [K in keyof T as FieldName<K>]: Json<T[K]> }
      : T;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Metadata of an object that is stored. */
export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string;
  /** "" never: cluster-wide objects have none. */
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  /** RFC 3339, whole seconds. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

/** What every stored object has. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** Of a kind whose model says that spec may lack, the server still always has one. */
type WithSpec<T> = "spec" extends keyof T ? { readonly spec: NonNullable<T["spec"]> } : unknown;

/** A stored object of a model's kind. */
export type Stored<T> = KubeObject & Omit<Json<T>, "apiVersion" | "kind" | "metadata" | "spec"> & WithSpec<Json<T>>;

/** An object as it is sent to be created: the server sets the rest of its metadata. */
export type New<T extends KubeObject> = Omit<T, "metadata" | "apiVersion" | "kind"> & {
  readonly metadata: Partial<ObjectMeta>;
};

export type ClusterRole = Stored<V1ClusterRole>;
export type ClusterRoleBinding = Stored<V1ClusterRoleBinding>;
export type Role = Stored<V1Role>;
export type RoleBinding = Stored<V1RoleBinding>;
export type ConfigMap = Stored<V1ConfigMap>;
/** Its data is of any shape. */
export type ControllerRevision = Omit<Stored<V1ControllerRevision>, "data"> & { readonly data?: unknown };
export type CertificateSigningRequest = Stored<V1CertificateSigningRequest>;
export type CronJob = Stored<V1CronJob>;
export type CSINode = Stored<V1CSINode>;
export type CustomResourceDefinition = Stored<V1CustomResourceDefinition>;
export type DaemonSet = Stored<V1DaemonSet>;
export type Deployment = Stored<V1Deployment>;
export type Endpoints = Stored<V1Endpoints>;
export type EndpointSlice = Stored<V1EndpointSlice>;
export type Event = Stored<CoreV1Event>;
export type IPAddress = Stored<V1IPAddress>;
export type Job = Stored<V1Job>;
export type Lease = Stored<V1Lease>;
export type Namespace = Stored<V1Namespace>;
export type Node = Stored<V1Node>;
export type PersistentVolume = Stored<V1PersistentVolume>;
export type PersistentVolumeClaim = Stored<V1PersistentVolumeClaim>;
export type Pod = Stored<V1Pod>;
export type PodDisruptionBudget = Stored<V1PodDisruptionBudget>;
export type PriorityClass = Stored<V1PriorityClass>;
export type ReplicaSet = Stored<V1ReplicaSet>;
export type ReplicationController = Stored<V1ReplicationController>;
export type ResourceQuota = Stored<V1ResourceQuota>;
export type Secret = Stored<V1Secret>;
export type Service = Stored<V1Service>;
export type ServiceAccount = Stored<V1ServiceAccount>;
export type ServiceCIDR = Stored<V1ServiceCIDR>;
export type StatefulSet = Stored<V1StatefulSet>;
export type StorageClass = Stored<V1StorageClass>;
export type SubjectAccessReview = Stored<V1SubjectAccessReview>;
export type TokenReview = Stored<V1TokenReview>;
