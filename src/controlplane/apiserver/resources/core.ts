import { configMap, secret } from "../strategies/config.ts";
import { endpoints } from "../strategies/endpoints.ts";
import { event } from "../strategies/event.ts";
import { namespace } from "../strategies/namespace.ts";
import { node } from "../strategies/node.ts";
import { persistentVolume } from "../strategies/persistent_volume.ts";
import { persistentVolumeClaim } from "../strategies/persistent_volume_claim.ts";
import { limitRange, resourceQuota } from "../strategies/quota.ts";
import { service } from "../strategies/service.ts";
import { podTemplate, replicationController } from "../strategies/workloads/replication_controller.ts";
import * as cluster from "../printing/columns/cluster.ts";
import * as networking from "../printing/columns/networking.ts";
import { podColumns, podTemplateColumns } from "../printing/columns/pods.ts";
import * as storage from "../printing/columns/storage.ts";
import { replicationControllerColumns } from "../printing/columns/workloads.ts";
import { pod } from "../strategies/pod/strategy.ts";
import { group, type Resource, type Subresource, type Verb } from "./resource.ts";
import { at, eventFields } from "./selectable.ts";

const connect = (name: string, verbs: Subresource["verbs"]): Subresource => ({ name, verbs });
/** Events are shown by two groups and kept once, an hour. */
export const eventTtlSeconds = 3600;
const selectableEventFields = [
  "involvedObject.kind",
  "involvedObject.namespace",
  "involvedObject.name",
  "involvedObject.uid",
  "involvedObject.apiVersion",
  "involvedObject.resourceVersion",
  "involvedObject.fieldPath",
  "reason",
  "reportingComponent",
  "source",
  "type",
];
const scale: Subresource = {
  name: "scale",
  verbs: ["get", "patch", "update"],
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
};
const createOnly: readonly Verb[] = ["create"];

export const core: readonly Resource[] = group("", [
  { plural: "bindings", kind: "Binding", verbs: createOnly },
  {
    plural: "componentstatuses",
    kind: "ComponentStatus",
    columns: cluster.componentStatusColumns,
    shortNames: ["cs"],
    clusterScoped: true,
    verbs: ["get", "list"],
  },
  {
    plural: "configmaps",
    kind: "ConfigMap",
    strategy: configMap,
    columns: cluster.configMapColumns,
    shortNames: ["cm"],
  },
  {
    plural: "endpoints",
    kind: "Endpoints",
    strategy: endpoints,
    columns: networking.endpointsColumns,
    shortNames: ["ep"],
  },
  {
    plural: "events",
    kind: "Event",
    strategy: event,
    columns: cluster.eventColumns,
    model: "CoreV1Event",
    shortNames: ["ev"],
    selectableFields: selectableEventFields,
    fieldReaders: eventFields,
    ttlSeconds: eventTtlSeconds,
  },
  { plural: "limitranges", kind: "LimitRange", strategy: limitRange, shortNames: ["limits"] },
  {
    plural: "namespaces",
    kind: "Namespace",
    strategy: namespace,
    columns: cluster.namespaceColumns,
    shortNames: ["ns"],
    clusterScoped: true,
    verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
    status: true,
    subresources: [{ name: "finalize", verbs: ["update"] }],
    selectableFields: ["status.phase"],
  },
  {
    plural: "nodes",
    kind: "Node",
    strategy: node,
    columns: cluster.nodeColumns,
    shortNames: ["no"],
    clusterScoped: true,
    status: true,
    subresources: [connect("proxy", ["create", "get", "patch", "update"])],
    selectableFields: ["spec.unschedulable"],
    fieldReaders: { "spec.unschedulable": at("spec.unschedulable", "false") },
  },
  {
    plural: "persistentvolumeclaims",
    kind: "PersistentVolumeClaim",
    strategy: persistentVolumeClaim,
    columns: storage.claimColumns,
    shortNames: ["pvc"],
    status: true,
  },
  {
    plural: "persistentvolumes",
    kind: "PersistentVolume",
    strategy: persistentVolume,
    columns: storage.volumeColumns,
    shortNames: ["pv"],
    clusterScoped: true,
    status: true,
  },
  {
    plural: "pods",
    kind: "Pod",
    columns: podColumns,
    strategy: pod,
    shortNames: ["po"],
    categories: ["all"],
    status: true,
    generation: true,
    subresources: [
      connect("attach", ["create", "get"]),
      { name: "binding", verbs: ["create"], kind: "Binding" },
      { name: "ephemeralcontainers", verbs: ["get", "patch", "update"] },
      { name: "eviction", verbs: ["create"], group: "policy", version: "v1", kind: "Eviction" },
      connect("exec", ["create", "get"]),
      connect("log", ["get"]),
      connect("portforward", ["create", "get"]),
      connect("proxy", ["create", "get", "patch", "update"]),
      { name: "resize", verbs: ["get", "patch", "update"] },
    ],
    selectableFields: [
      "spec.nodeName",
      "spec.restartPolicy",
      "spec.schedulerName",
      "spec.serviceAccountName",
      "spec.hostNetwork",
      "status.phase",
      "status.podIP",
      "status.podIPs",
      "status.nominatedNodeName",
    ],
    fieldReaders: { "spec.hostNetwork": at("spec.hostNetwork", "false"), "status.podIPs": () => "" },
    fieldAliases: { "spec.host": "spec.nodeName" },
  },
  { plural: "podtemplates", kind: "PodTemplate", strategy: podTemplate, columns: podTemplateColumns },
  {
    plural: "replicationcontrollers",
    kind: "ReplicationController",
    strategy: replicationController,
    columns: replicationControllerColumns,
    shortNames: ["rc"],
    categories: ["all"],
    status: true,
    generation: true,
    subresources: [scale],
    selectableFields: ["status.replicas"],
    fieldReaders: { "status.replicas": at("status.replicas", "0") },
  },
  {
    plural: "resourcequotas",
    kind: "ResourceQuota",
    strategy: resourceQuota,
    columns: cluster.resourceQuotaColumns,
    shortNames: ["quota"],
    status: true,
  },
  { plural: "secrets", kind: "Secret", strategy: secret, columns: cluster.secretColumns, selectableFields: ["type"] },
  {
    plural: "serviceaccounts",
    kind: "ServiceAccount",
    columns: cluster.serviceAccountColumns,
    shortNames: ["sa"],
    subresources: [
      { name: "token", verbs: ["create"], group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
    ],
  },
  {
    plural: "services",
    kind: "Service",
    strategy: service,
    columns: networking.serviceColumns,
    shortNames: ["svc"],
    categories: ["all"],
    status: true,
    subresources: [connect("proxy", ["create", "get", "patch", "update"])],
    selectableFields: ["spec.clusterIP", "spec.type"],
  },
]);
