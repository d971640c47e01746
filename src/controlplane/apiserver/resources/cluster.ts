/** The smaller groups: networking, storage, access, leases, certificates, reviews, custom resources. */
import { certificateSigningRequest } from "../strategies/certificate.ts";
import { lease, priorityClass, runtimeClass } from "../strategies/cluster.ts";
import { endpointSlice } from "../strategies/endpoints.ts";
import { eventsV1, strictEvent } from "../strategies/event.ts";
import { ipAddress, serviceCidr } from "../strategies/networking/addresses.ts";
import { ingress, ingressClass } from "../strategies/networking/ingress.ts";
import { networkPolicy } from "../strategies/networking/network_policy.ts";
import { clusterRole, clusterRoleBinding, role, roleBinding } from "../strategies/rbac.ts";
import { csiDriver, csiNode, csiStorageCapacity, storageClass, volumeAttachment } from "../strategies/storage.ts";
import * as clusterColumns from "../printing/columns/cluster.ts";
import * as networkingColumns from "../printing/columns/networking.ts";
import * as storageColumns from "../printing/columns/storage.ts";
import { definitionStrategy } from "../customresources/definition/strategy.ts";
import { eventTtlSeconds } from "./core.ts";
import { group, type Resource, type Verb } from "./resource.ts";
import { shownEventFields } from "./selectable.ts";

const clusterScoped = { clusterScoped: true } as const;
/** Reviews are answered, not kept. */
const review = { ...clusterScoped, verbs: ["create"] as readonly Verb[] };

export const discovery: readonly Resource[] = group("discovery.k8s.io", [
  {
    plural: "endpointslices",
    kind: "EndpointSlice",
    strategy: endpointSlice,
    columns: networkingColumns.endpointSliceColumns,
  },
]);

export const networking: readonly Resource[] = group("networking.k8s.io", [
  {
    plural: "ingressclasses",
    kind: "IngressClass",
    strategy: ingressClass,
    columns: networkingColumns.ingressClassColumns,
    ...clusterScoped,
    generation: true,
  },
  {
    plural: "ingresses",
    kind: "Ingress",
    strategy: ingress,
    columns: networkingColumns.ingressColumns,
    shortNames: ["ing"],
    status: true,
    generation: true,
  },
  {
    plural: "ipaddresses",
    kind: "IPAddress",
    strategy: ipAddress,
    columns: networkingColumns.ipAddressColumns,
    shortNames: ["ip"],
    ...clusterScoped,
    selectableFields: ["spec.parentRef"],
  },
  {
    plural: "networkpolicies",
    kind: "NetworkPolicy",
    strategy: networkPolicy,
    columns: networkingColumns.networkPolicyColumns,
    shortNames: ["netpol"],
    generation: true,
  },
  {
    plural: "servicecidrs",
    kind: "ServiceCIDR",
    strategy: serviceCidr,
    columns: networkingColumns.serviceCidrColumns,
    ...clusterScoped,
    status: true,
  },
]);

export const storage: readonly Resource[] = group("storage.k8s.io", [
  {
    plural: "csidrivers",
    kind: "CSIDriver",
    strategy: csiDriver,
    columns: storageColumns.csiDriverColumns,
    ...clusterScoped,
  },
  { plural: "csinodes", kind: "CSINode", strategy: csiNode, columns: storageColumns.csiNodeColumns, ...clusterScoped },
  {
    plural: "csistoragecapacities",
    kind: "CSIStorageCapacity",
    strategy: csiStorageCapacity,
    columns: storageColumns.csiCapacityColumns,
  },
  {
    plural: "storageclasses",
    kind: "StorageClass",
    strategy: storageClass,
    columns: storageColumns.storageClassColumns,
    shortNames: ["sc"],
    ...clusterScoped,
  },
  {
    plural: "volumeattachments",
    kind: "VolumeAttachment",
    strategy: volumeAttachment,
    columns: storageColumns.attachmentColumns,
    ...clusterScoped,
    status: true,
  },
]);

export const rbac: readonly Resource[] = group("rbac.authorization.k8s.io", [
  {
    plural: "clusterrolebindings",
    kind: "ClusterRoleBinding",
    strategy: clusterRoleBinding,
    columns: clusterColumns.clusterRoleBindingColumns,
    ...clusterScoped,
  },
  { plural: "clusterroles", kind: "ClusterRole", strategy: clusterRole, ...clusterScoped },
  { plural: "rolebindings", kind: "RoleBinding", strategy: roleBinding, columns: clusterColumns.roleBindingColumns },
  { plural: "roles", kind: "Role", strategy: role },
]);

export const coordination: readonly Resource[] = group("coordination.k8s.io", [
  { plural: "leases", kind: "Lease", strategy: lease, columns: clusterColumns.leaseColumns },
]);

export const events: readonly Resource[] = group("events.k8s.io", [
  {
    plural: "events",
    kind: "Event",
    strategy: strictEvent,
    columns: clusterColumns.newEventColumns,
    shortNames: ["ev"],
    versions: [{ version: "v1", model: "EventsV1Event", convert: eventsV1 }],
    storedAs: "events",
    ttlSeconds: eventTtlSeconds,
    selectableFields: ["reason", "type"],
    fieldAliases: shownEventFields,
  },
]);

export const scheduling: readonly Resource[] = group("scheduling.k8s.io", [
  {
    plural: "priorityclasses",
    kind: "PriorityClass",
    strategy: priorityClass,
    columns: clusterColumns.priorityClassColumns,
    shortNames: ["pc"],
    ...clusterScoped,
  },
]);

export const node: readonly Resource[] = group("node.k8s.io", [
  {
    plural: "runtimeclasses",
    kind: "RuntimeClass",
    strategy: runtimeClass,
    columns: clusterColumns.runtimeClassColumns,
    ...clusterScoped,
  },
]);

export const certificates: readonly Resource[] = group("certificates.k8s.io", [
  {
    plural: "certificatesigningrequests",
    kind: "CertificateSigningRequest",
    strategy: certificateSigningRequest,
    columns: clusterColumns.signingRequestColumns,
    shortNames: ["csr"],
    ...clusterScoped,
    status: true,
    subresources: [{ name: "approval", verbs: ["get", "patch", "update"] }],
    selectableFields: ["spec.signerName"],
  },
]);

export const authentication: readonly Resource[] = group("authentication.k8s.io", [
  { plural: "selfsubjectreviews", kind: "SelfSubjectReview", ...review },
  { plural: "tokenreviews", kind: "TokenReview", ...review },
]);

export const authorization: readonly Resource[] = group("authorization.k8s.io", [
  { plural: "localsubjectaccessreviews", kind: "LocalSubjectAccessReview", verbs: ["create"] },
  { plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview", ...review },
  { plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview", ...review },
  { plural: "subjectaccessreviews", kind: "SubjectAccessReview", ...review },
]);

export const apiextensions: readonly Resource[] = group("apiextensions.k8s.io", [
  {
    plural: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    strategy: definitionStrategy,
    shortNames: ["crd", "crds"],
    categories: ["api-extensions"],
    ...clusterScoped,
    status: true,
    generation: true,
  },
]);
