/** ClusterRoles for the parts of a cluster: nodes, scheduler, controllers' process, proxies, DNS (policy.go, v1.34). */
import { allow, read, readWrite, writeEvents, type PolicyRole } from "./rule.ts";

const reviews = [
  allow("create", "authentication.k8s.io", "tokenreviews"),
  allow("create", "authorization.k8s.io", "subjectaccessreviews"),
];

/** What the Node authorizer allows of everything that it does not subdivide by node. */
export const nodeRole: PolicyRole = {
  name: "system:node",
  rules: [
    allow("create", "authentication.k8s.io", "tokenreviews"),
    allow("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
    allow(read, "core", "services"),
    allow("create get list watch", "core", "nodes"),
    allow("patch update", "core", "nodes/status"),
    allow("patch update", "core", "nodes"),
    allow("create patch update", "core", "events"),
    allow(read, "core", "pods"),
    allow("create delete", "core", "pods"),
    allow("patch update", "core", "pods/status"),
    allow("create", "core", "pods/eviction"),
    allow(read, "core", "configmaps secrets"),
    allow("get", "core", "persistentvolumeclaims persistentvolumes"),
    allow("get", "core", "endpoints"),
    allow("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
    allow("create delete get patch update", "coordination.k8s.io", "leases"),
    allow("get", "storage.k8s.io", "volumeattachments"),
    allow("create", "core", "serviceaccounts/token"),
    allow("get patch update", "core", "persistentvolumeclaims/status"),
    allow(read, "storage.k8s.io", "csidrivers"),
    allow("create delete get patch update", "storage.k8s.io", "csinodes"),
    allow(read, "node.k8s.io", "runtimeclasses"),
    allow("get", "resource.k8s.io", "resourceclaims"),
    allow("deletecollection", "resource.k8s.io", "resourceslices"),
  ],
};

const schedulerRole: PolicyRole = {
  name: "system:kube-scheduler",
  rules: [
    writeEvents,
    allow("create", "coordination.k8s.io", "leases"),
    allow("get list update watch", "coordination.k8s.io", "leases", "kube-scheduler"),
    allow(readWrite, "coordination.k8s.io", "leasecandidates"),
    allow(read, "core", "nodes"),
    allow("delete get list watch", "core", "pods"),
    allow("create", "core", "bindings pods/binding"),
    allow("patch update", "core", "pods/status"),
    allow(read, "core", "replicationcontrollers services"),
    allow(read, "apps extensions", "replicasets"),
    allow(read, "apps", "statefulsets"),
    allow(read, "policy", "poddisruptionbudgets"),
    allow(read, "core", "persistentvolumeclaims persistentvolumes"),
    ...reviews,
    allow(read, "storage.k8s.io", "csinodes"),
    allow(read, "storage.k8s.io", "volumeattachments"),
    allow(read, "core", "namespaces"),
    allow(read, "storage.k8s.io", "csidrivers"),
    allow(read, "storage.k8s.io", "csistoragecapacities"),
    allow(read, "resource.k8s.io", "deviceclasses"),
    allow("get list patch update watch", "resource.k8s.io", "resourceclaims"),
    allow("get list patch update watch", "resource.k8s.io", "resourceclaims/status"),
    allow("get list patch update watch", "core", "pods/finalizers"),
    allow(read, "resource.k8s.io", "resourceslices"),
  ],
};

const controllerManagerRole: PolicyRole = {
  name: "system:kube-controller-manager",
  rules: [
    writeEvents,
    allow("create", "coordination.k8s.io", "leases"),
    allow("get update", "coordination.k8s.io", "leases", "kube-controller-manager"),
    allow("create", "core", "secrets serviceaccounts"),
    allow("delete", "core", "secrets"),
    allow("get", "core", "configmaps namespaces secrets serviceaccounts"),
    allow("update", "core", "secrets serviceaccounts"),
    ...reviews,
    allow("list watch", "*", "*"),
    allow("create", "core", "serviceaccounts/token"),
  ],
};

export const componentRoles: readonly PolicyRole[] = [
  nodeRole,
  schedulerRole,
  controllerManagerRole,
  {
    name: "system:heapster",
    rules: [allow(read, "core", "events namespaces nodes pods"), allow(read, "extensions", "deployments")],
  },
  { name: "system:kube-aggregator", rules: [allow(read, "core", "endpoints services")] },
  { name: "system:kube-dns", rules: [allow("list watch", "core", "endpoints services")] },
  {
    name: "system:kubelet-api-admin",
    rules: [
      allow(read, "core", "nodes"),
      allow("proxy", "core", "nodes"),
      allow("*", "core", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
    ],
  },
  {
    name: "system:node-bootstrapper",
    rules: [allow("create get list watch", "certificates.k8s.io", "certificatesigningrequests")],
  },
  {
    name: "system:node-problem-detector",
    rules: [allow("get", "core", "nodes"), allow("patch", "core", "nodes/status"), writeEvents],
  },
  {
    name: "system:node-proxier",
    rules: [
      allow("list watch", "core", "endpoints services"),
      allow(read, "core", "nodes"),
      writeEvents,
      allow("list watch", "discovery.k8s.io", "endpointslices"),
      allow("list watch", "networking.k8s.io", "servicecidrs"),
    ],
  },
  {
    name: "system:persistent-volume-provisioner",
    rules: [
      allow("create delete get list watch", "core", "persistentvolumes"),
      allow("get list update watch", "core", "persistentvolumeclaims"),
      allow(read, "storage.k8s.io", "storageclasses"),
      allow("watch", "core", "events"),
      writeEvents,
    ],
  },
  {
    name: "system:volume-scheduler",
    rules: [
      allow("get list patch update watch", "core", "persistentvolumes"),
      allow(read, "storage.k8s.io", "storageclasses"),
      allow("get list patch update watch", "core", "persistentvolumeclaims"),
    ],
  },
];
