/** Nodes, namespaces, events, configuration, access, leases, certificates: what a cluster has besides workloads. */
import type {
  CoreV1Event,
  EventsV1Event,
  V1CertificateSigningRequest,
  V1ClusterRoleBinding,
  V1ComponentStatus,
  V1ConfigMap,
  V1Lease,
  V1Namespace,
  V1Node,
  V1PriorityClass,
  V1ResourceQuota,
  V1RoleBinding,
  V1RuntimeClass,
  V1Secret,
  V1ServiceAccount,
} from "@kubernetes/client-node";
import type { Column } from "../../resources/resource.ts";
import { age, humanDuration } from "../duration.ts";
import { ageColumn, columns, derived, nameColumn, type Spec, type Wire } from "./column.ts";
import { none, unknown } from "./format.ts";

export const nodeColumns = columns<V1Node>(
  nameColumn,
  { name: "Status", about: "The status of the node", cell: nodeStatus },
  { name: "Roles", about: "The roles of the node", cell: nodeRoles },
  ageColumn,
  { name: "Version", about: "V1NodeSystemInfo#kubeletVersion", cell: ({ status }) => status?.nodeInfo?.kubeletVersion },
  {
    name: "Internal-IP",
    wide: true,
    about: "V1NodeStatus#addresses",
    cell: (node) => nodeAddress(node, "InternalIP"),
  },
  {
    name: "External-IP",
    wide: true,
    about: "V1NodeStatus#addresses",
    cell: (node) => nodeAddress(node, "ExternalIP"),
  },
  {
    name: "OS-Image",
    wide: true,
    about: "V1NodeSystemInfo#osImage",
    cell: ({ status }) => status?.nodeInfo?.osImage || unknown,
  },
  {
    name: "Kernel-Version",
    wide: true,
    about: "V1NodeSystemInfo#kernelVersion",
    cell: ({ status }) => status?.nodeInfo?.kernelVersion || unknown,
  },
  {
    name: "Container-Runtime",
    wide: true,
    about: "V1NodeSystemInfo#containerRuntimeVersion",
    cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || unknown,
  },
);

function nodeStatus({ spec, status }: Wire<V1Node>): string {
  const ready = status?.conditions?.find((condition) => condition.type === "Ready");
  const state = ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown";
  return spec?.unschedulable ? `${state},SchedulingDisabled` : state;
}

const rolePrefix = "node-role.kubernetes.io/";

/** From labels: node-role.kubernetes.io/<role>, kubernetes.io/role=<role>. */
function nodeRoles({ metadata }: Wire<V1Node>): string {
  const roles = Object.entries(metadata?.labels ?? {}).map(([key, value]) =>
    key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === "kubernetes.io/role" ? (value ?? "") : "",
  );
  const named = [...new Set(roles)].filter((role) => role !== "").sort();
  return named.join(",") || none;
}

function nodeAddress({ status }: Wire<V1Node>, type: string): string {
  return status?.addresses?.find((address) => address.type === type)?.address ?? none;
}

export const namespaceColumns = columns<V1Namespace>(
  nameColumn,
  { name: "Status", about: "The status of the namespace", cell: ({ status }) => status?.phase },
  ageColumn,
);

export const eventColumns = columns<CoreV1Event>(
  { name: "Last Seen", about: "CoreV1Event#lastTimestamp", cell: (event, nowMs) => lastSeen(event, nowMs) },
  { name: "Type", about: "CoreV1Event#type", cell: ({ type }) => type },
  { name: "Reason", about: "CoreV1Event#reason", cell: ({ reason }) => reason },
  {
    name: "Object",
    about: "CoreV1Event#involvedObject",
    cell: ({ involvedObject: { kind = "", name } = {} }) =>
      name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase(),
  },
  {
    name: "Subobject",
    wide: true,
    about: "V1ObjectReference#fieldPath",
    cell: ({ involvedObject }) => involvedObject?.fieldPath,
  },
  { name: "Source", wide: true, about: "CoreV1Event#source", cell: eventSource },
  { name: "Message", about: "CoreV1Event#message", cell: ({ message }) => message?.trim() },
  { name: "First Seen", wide: true, about: "CoreV1Event#firstTimestamp", cell: firstSeen },
  {
    name: "Count",
    wide: true,
    about: "CoreV1Event#count",
    cell: ({ series, count }) => series?.count ?? (count || 1),
  },
  derived(nameColumn, { priority: 1 }),
);

/** Events of events.k8s.io are the same objects under newer names of their fields. */
export const newEventColumns: readonly Column[] = eventColumns.map((column) =>
  derived(column, {
    cell: (object, nowMs) => column.cell({ ...object, ...coreNames(object) }, nowMs),
  }),
);

function coreNames(event: Wire<EventsV1Event> & Wire<CoreV1Event>): object {
  return {
    involvedObject: event.regarding ?? event.involvedObject,
    message: event.note ?? event.message,
    source: event.deprecatedSource ?? event.source,
    reportingComponent: event.reportingController ?? event.reportingComponent,
    firstTimestamp: event.deprecatedFirstTimestamp ?? event.firstTimestamp,
    lastTimestamp: event.deprecatedLastTimestamp ?? event.lastTimestamp,
    count: event.deprecatedCount ?? event.count,
  };
}

function firstSeen({ firstTimestamp, eventTime }: Wire<CoreV1Event>, nowMs: number): string {
  return age(firstTimestamp ?? eventTime, nowMs);
}

function lastSeen(event: Wire<CoreV1Event>, nowMs: number): string {
  if (event.series) return age(event.series.lastObservedTime, nowMs);
  return event.lastTimestamp ? age(event.lastTimestamp, nowMs) : firstSeen(event, nowMs);
}

function eventSource({ source, reportingComponent, reportingInstance }: Wire<CoreV1Event>): string {
  const component = source?.component || reportingComponent || "";
  const instance = source?.host || reportingInstance || "";
  return instance === "" ? component : `${component}, ${instance}`;
}

export const configMapColumns = columns<V1ConfigMap>(
  nameColumn,
  {
    name: "Data",
    about: "V1ConfigMap#data",
    cell: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
  },
  ageColumn,
);

export const secretColumns = columns<V1Secret>(
  nameColumn,
  { name: "Type", about: "V1Secret#type", cell: ({ type }) => type },
  { name: "Data", about: "V1Secret#data", cell: ({ data = {} }) => Object.keys(data).length },
  ageColumn,
);

export const serviceAccountColumns = columns<V1ServiceAccount>(
  nameColumn,
  { name: "Secrets", about: "V1ServiceAccount#secrets", cell: ({ secrets = [] }) => secrets.length },
  ageColumn,
);

export const resourceQuotaColumns = columns<V1ResourceQuota>(
  nameColumn,
  {
    name: "Request",
    about: "Request represents a minimum amount of cpu/memory that a container may consume.",
    cell: (quota) => quotaText(quota, false),
  },
  {
    name: "Limit",
    about:
      "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
    cell: (quota) => quotaText(quota, true),
  },
  ageColumn,
);

/** "pods: 1/10, requests.cpu: 0/1": used of hard. */
function quotaText({ status }: Wire<V1ResourceQuota>, limits: boolean): string {
  const { hard = {}, used = {} } = status ?? {};
  const names = Object.keys(hard).filter((name) => name.startsWith("limits.") === limits);
  return names
    .sort()
    .map((name) => `${name}: ${used[name] ?? "0"}/${hard[name]}`)
    .join(", ");
}

export const componentStatusColumns = columns<V1ComponentStatus>(
  nameColumn,
  {
    name: "Status",
    about: "Status of the component conditions",
    cell: (component) => {
      const healthy = healthOf(component);
      return healthy ? (healthy.status === "True" ? "Healthy" : "Unhealthy") : "Unknown";
    },
  },
  {
    name: "Message",
    about: "Message of the component conditions",
    cell: (component) => healthOf(component)?.message,
  },
  { name: "Error", about: "Error of the component conditions", cell: (component) => healthOf(component)?.error },
);

function healthOf({ conditions }: Wire<V1ComponentStatus>) {
  return conditions?.find((condition) => condition.type === "Healthy");
}

export const roleBindingColumns = bindingColumns("V1RoleBinding#roleRef", "roleBinding");
export const clusterRoleBindingColumns = bindingColumns("V1ClusterRoleBinding#roleRef", "clusterRoleBinding");

type Binding = V1RoleBinding | V1ClusterRoleBinding;

function bindingColumns(role: string, binding: string): readonly Column[] {
  const subjects = (name: string, kind: string): Spec<Binding> => ({
    name,
    wide: true,
    about: `${name} in the ${binding}`,
    cell: (object) =>
      (object.subjects ?? [])
        .filter((subject) => subject.kind === kind)
        .map((subject) => (kind === "ServiceAccount" ? `${subject.namespace}/${subject.name}` : subject.name))
        .join(", "),
  });
  return columns<Binding>(
    nameColumn,
    { name: "Role", about: role, cell: ({ roleRef }) => `${roleRef?.kind ?? ""}/${roleRef?.name ?? ""}` },
    ageColumn,
    subjects("Users", "User"),
    subjects("Groups", "Group"),
    subjects("ServiceAccounts", "ServiceAccount"),
  );
}

export const leaseColumns = columns<V1Lease>(
  nameColumn,
  { name: "Holder", about: "V1LeaseSpec#holderIdentity", cell: ({ spec }) => spec?.holderIdentity },
  ageColumn,
);

export const priorityClassColumns = columns<V1PriorityClass>(
  nameColumn,
  { name: "Value", type: "integer", about: "V1PriorityClass#value", cell: ({ value }) => value },
  {
    name: "Global-Default",
    type: "boolean",
    about: "V1PriorityClass#globalDefault",
    cell: ({ globalDefault }) => globalDefault,
  },
  ageColumn,
  {
    name: "PreemptionPolicy",
    about: "V1PriorityClass#preemptionPolicy",
    cell: ({ preemptionPolicy }) => preemptionPolicy,
  },
);

export const runtimeClassColumns = columns<V1RuntimeClass>(
  nameColumn,
  { name: "Handler", about: "V1RuntimeClass#handler", cell: ({ handler }) => handler },
  ageColumn,
);

export const signingRequestColumns = columns<V1CertificateSigningRequest>(
  nameColumn,
  ageColumn,
  {
    name: "SignerName",
    about: "V1CertificateSigningRequestSpec#signerName",
    cell: ({ spec }) => spec?.signerName || none,
  },
  { name: "Requestor", about: "V1CertificateSigningRequestSpec#request", cell: ({ spec }) => spec?.username },
  {
    name: "RequestedDuration",
    about: "V1CertificateSigningRequestSpec#expirationSeconds",
    cell: ({ spec }) => (spec?.expirationSeconds === undefined ? none : humanDuration(spec.expirationSeconds * 1000)),
  },
  { name: "Condition", about: "V1CertificateSigningRequestStatus#conditions", cell: signingCondition },
);

function signingCondition({ status }: Wire<V1CertificateSigningRequest>): string {
  const has = (type: string): boolean => status?.conditions?.some((condition) => condition.type === type) ?? false;
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return `${decision}${has("Failed") ? ",Failed" : ""}${status?.certificate ? ",Issued" : ""}`;
}
