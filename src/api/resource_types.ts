/** Resources as a client names them: where they are in the API, and the type of their objects. */
import type * as kube from "../model/kubernetes.ts";
import type { KubeObject } from "../model/kubernetes.ts";

/** @typeParam T type of the resource's objects */
export interface ResourceType<T extends KubeObject> {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Nobody reads it: it carries the type. */
  readonly object?: T;
}

/** "v1", "apps/v1" */
export function apiVersionOf({ group, version }: Pick<ResourceType<KubeObject>, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

/** "pods", "deployments.apps": names a resource in messages and keys. */
export function qualifiedName({ group, plural }: Pick<ResourceType<KubeObject>, "group" | "plural">): string {
  return group === "" ? plural : `${plural}.${group}`;
}

function namespaced<T extends KubeObject>(apiVersion: string, plural: string, kind: string): ResourceType<T> {
  return { ...groupVersion(apiVersion), plural, kind, namespaced: true };
}

function clusterWide<T extends KubeObject>(apiVersion: string, plural: string, kind: string): ResourceType<T> {
  return { ...groupVersion(apiVersion), plural, kind, namespaced: false };
}

function groupVersion(apiVersion: string): { group: string; version: string } {
  const [first = "", second] = apiVersion.split("/");
  return second === undefined ? { group: "", version: first } : { group: first, version: second };
}

export const resourceTypes = {
  configMaps: namespaced<kube.ConfigMap>("v1", "configmaps", "ConfigMap"),
  endpoints: namespaced<kube.Endpoints>("v1", "endpoints", "Endpoints"),
  events: namespaced<kube.Event>("v1", "events", "Event"),
  namespaces: clusterWide<kube.Namespace>("v1", "namespaces", "Namespace"),
  nodes: clusterWide<kube.Node>("v1", "nodes", "Node"),
  persistentVolumes: clusterWide<kube.PersistentVolume>("v1", "persistentvolumes", "PersistentVolume"),
  persistentVolumeClaims: namespaced<kube.PersistentVolumeClaim>(
    "v1",
    "persistentvolumeclaims",
    "PersistentVolumeClaim",
  ),
  pods: namespaced<kube.Pod>("v1", "pods", "Pod"),
  replicationControllers: namespaced<kube.ReplicationController>(
    "v1",
    "replicationcontrollers",
    "ReplicationController",
  ),
  resourceQuotas: namespaced<kube.ResourceQuota>("v1", "resourcequotas", "ResourceQuota"),
  roleBindings: namespaced<kube.RoleBinding>("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
  roles: namespaced<kube.Role>("rbac.authorization.k8s.io/v1", "roles", "Role"),
  secrets: namespaced<kube.Secret>("v1", "secrets", "Secret"),
  serviceAccounts: namespaced<kube.ServiceAccount>("v1", "serviceaccounts", "ServiceAccount"),
  services: namespaced<kube.Service>("v1", "services", "Service"),
  customResourceDefinitions: clusterWide<kube.CustomResourceDefinition>(
    "apiextensions.k8s.io/v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
  ),
  controllerRevisions: namespaced<kube.ControllerRevision>("apps/v1", "controllerrevisions", "ControllerRevision"),
  daemonSets: namespaced<kube.DaemonSet>("apps/v1", "daemonsets", "DaemonSet"),
  deployments: namespaced<kube.Deployment>("apps/v1", "deployments", "Deployment"),
  replicaSets: namespaced<kube.ReplicaSet>("apps/v1", "replicasets", "ReplicaSet"),
  statefulSets: namespaced<kube.StatefulSet>("apps/v1", "statefulsets", "StatefulSet"),
  cronJobs: namespaced<kube.CronJob>("batch/v1", "cronjobs", "CronJob"),
  jobs: namespaced<kube.Job>("batch/v1", "jobs", "Job"),
  subjectAccessReviews: clusterWide<kube.SubjectAccessReview>(
    "authorization.k8s.io/v1",
    "subjectaccessreviews",
    "SubjectAccessReview",
  ),
  tokenReviews: clusterWide<kube.TokenReview>("authentication.k8s.io/v1", "tokenreviews", "TokenReview"),
  certificateSigningRequests: clusterWide<kube.CertificateSigningRequest>(
    "certificates.k8s.io/v1",
    "certificatesigningrequests",
    "CertificateSigningRequest",
  ),
  leases: namespaced<kube.Lease>("coordination.k8s.io/v1", "leases", "Lease"),
  clusterRoleBindings: clusterWide<kube.ClusterRoleBinding>(
    "rbac.authorization.k8s.io/v1",
    "clusterrolebindings",
    "ClusterRoleBinding",
  ),
  clusterRoles: clusterWide<kube.ClusterRole>("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole"),
  endpointSlices: namespaced<kube.EndpointSlice>("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
  ipAddresses: clusterWide<kube.IPAddress>("networking.k8s.io/v1", "ipaddresses", "IPAddress"),
  serviceCidrs: clusterWide<kube.ServiceCIDR>("networking.k8s.io/v1", "servicecidrs", "ServiceCIDR"),
  podDisruptionBudgets: namespaced<kube.PodDisruptionBudget>(
    "policy/v1",
    "poddisruptionbudgets",
    "PodDisruptionBudget",
  ),
  priorityClasses: clusterWide<kube.PriorityClass>("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass"),
  csiNodes: clusterWide<kube.CSINode>("storage.k8s.io/v1", "csinodes", "CSINode"),
  storageClasses: clusterWide<kube.StorageClass>("storage.k8s.io/v1", "storageclasses", "StorageClass"),
} as const;
