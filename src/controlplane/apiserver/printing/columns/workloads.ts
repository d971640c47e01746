/** apps/v1, batch/v1, autoscaling, policy and replication controllers. */
import type {
  V1ControllerRevision,
  V1CronJob,
  V1DaemonSet,
  V1Deployment,
  V1Job,
  V1PodDisruptionBudget,
  V1ReplicaSet,
  V1ReplicationController,
  V1StatefulSet,
} from "@kubernetes/client-node";
import { age, humanDuration } from "../duration.ts";
import { ageColumn, columns, nameColumn, type Wire } from "./column.ts";
import { containerColumns, formatLabels, formatSelector, isDeleting, none, selectorText } from "./format.ts";
import type { ApiObject } from "../../resources/resource.ts";

const readyPods = "Number of the pod with ready state";

export const deploymentColumns = columns<V1Deployment>(
  nameColumn,
  {
    name: "Ready",
    about: readyPods,
    cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
  },
  {
    name: "Up-to-date",
    about: "V1DeploymentStatus#updatedReplicas",
    cell: ({ status }) => status?.updatedReplicas ?? 0,
  },
  {
    name: "Available",
    about: "V1DeploymentStatus#availableReplicas",
    cell: ({ status }) => status?.availableReplicas ?? 0,
  },
  ageColumn,
  ...containerColumns<V1Deployment>(({ spec }) => spec?.template?.spec?.containers),
  {
    name: "Selector",
    wide: true,
    about: "V1DeploymentSpec#selector",
    cell: ({ spec }) => selectorText(spec?.selector),
  },
);

export const replicaSetColumns = columns<V1ReplicaSet>(
  nameColumn,
  { name: "Desired", type: "integer", about: "V1ReplicaSetSpec#replicas", cell: ({ spec }) => spec?.replicas },
  { name: "Current", type: "integer", about: "V1ReplicaSetStatus#replicas", cell: ({ status }) => status?.replicas },
  {
    name: "Ready",
    type: "integer",
    about: "V1ReplicaSetStatus#readyReplicas",
    cell: ({ status }) => status?.readyReplicas,
  },
  ageColumn,
  ...containerColumns<V1ReplicaSet>(({ spec }) => spec?.template?.spec?.containers),
  {
    name: "Selector",
    wide: true,
    about: "V1ReplicaSetSpec#selector",
    cell: ({ spec }) => formatSelector(spec?.selector),
  },
);

export const replicationControllerColumns = columns<V1ReplicationController>(
  nameColumn,
  {
    name: "Desired",
    type: "integer",
    about: "V1ReplicationControllerSpec#replicas",
    cell: ({ spec }) => spec?.replicas,
  },
  {
    name: "Current",
    type: "integer",
    about: "V1ReplicationControllerStatus#replicas",
    cell: ({ status }) => status?.replicas,
  },
  {
    name: "Ready",
    type: "integer",
    about: "V1ReplicationControllerStatus#readyReplicas",
    cell: ({ status }) => status?.readyReplicas,
  },
  ageColumn,
  ...containerColumns<V1ReplicationController>(({ spec }) => spec?.template?.spec?.containers),
  {
    name: "Selector",
    wide: true,
    about: "V1ReplicationControllerSpec#selector",
    cell: ({ spec }) => formatLabels(spec?.selector),
  },
);

export const statefulSetColumns = columns<V1StatefulSet>(
  nameColumn,
  {
    name: "Ready",
    about: readyPods,
    cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
  },
  ageColumn,
  ...containerColumns<V1StatefulSet>(({ spec }) => spec?.template?.spec?.containers),
);

export const daemonSetColumns = columns<V1DaemonSet>(
  nameColumn,
  {
    name: "Desired",
    type: "integer",
    about: "V1DaemonSetStatus#desiredNumberScheduled",
    cell: ({ status }) => status?.desiredNumberScheduled,
  },
  {
    name: "Current",
    type: "integer",
    about: "V1DaemonSetStatus#currentNumberScheduled",
    cell: ({ status }) => status?.currentNumberScheduled,
  },
  {
    name: "Ready",
    type: "integer",
    about: "V1DaemonSetStatus#numberReady",
    cell: ({ status }) => status?.numberReady,
  },
  {
    name: "Up-to-date",
    type: "integer",
    about: "V1DaemonSetStatus#updatedNumberScheduled",
    cell: ({ status }) => status?.updatedNumberScheduled,
  },
  {
    name: "Available",
    type: "integer",
    about: "V1DaemonSetStatus#numberAvailable",
    cell: ({ status }) => status?.numberAvailable,
  },
  {
    name: "Node Selector",
    about: "V1PodSpec#nodeSelector",
    cell: ({ spec }) => formatLabels(spec?.template?.spec?.nodeSelector),
  },
  ageColumn,
  ...containerColumns<V1DaemonSet>(({ spec }) => spec?.template?.spec?.containers),
  {
    name: "Selector",
    wide: true,
    about: "V1DaemonSetSpec#selector",
    cell: ({ spec }) => formatSelector(spec?.selector),
  },
);

export const jobColumns = columns<V1Job>(
  nameColumn,
  { name: "Status", about: "Status of the job.", cell: jobStatus },
  { name: "Completions", about: "V1JobStatus#succeeded", cell: jobCompletions },
  { name: "Duration", about: "Time required to complete the job.", cell: jobDuration },
  ageColumn,
  ...containerColumns<V1Job>(({ spec }) => spec?.template?.spec?.containers),
  { name: "Selector", wide: true, about: "V1JobSpec#selector", cell: ({ spec }) => formatSelector(spec?.selector) },
);

function jobStatus(job: Wire<V1Job>): string {
  const is = (type: string): boolean =>
    job.status?.conditions?.find((condition) => condition.type === type)?.status === "True";
  if (is("Complete")) return "Complete";
  if (is("Failed")) return "Failed";
  if (isDeleting(job as Wire<ApiObject>)) return "Terminating";
  if (is("Suspended")) return "Suspended";
  return is("FailureTarget") ? "FailureTarget" : "Running";
}

function jobCompletions({ spec, status }: Wire<V1Job>): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Wire<V1Job>, nowMs: number): string {
  if (!status?.startTime) return "";
  const endMs = status.completionTime ? Date.parse(status.completionTime) : nowMs;
  return humanDuration(endMs - Date.parse(status.startTime));
}

export const cronJobColumns = columns<V1CronJob>(
  nameColumn,
  { name: "Schedule", about: "V1CronJobSpec#schedule", cell: ({ spec }) => spec?.schedule },
  { name: "Timezone", about: "V1CronJobSpec#timeZone", cell: ({ spec }) => spec?.timeZone ?? none },
  {
    name: "Suspend",
    type: "boolean",
    about: "V1CronJobSpec#suspend",
    // Text, as upstream has it, in a column that it calls boolean.
    cell: ({ spec }) => (spec?.suspend === undefined ? "<unset>" : spec.suspend ? "True" : "False"),
  },
  { name: "Active", type: "integer", about: "V1CronJobStatus#active", cell: ({ status }) => status?.active?.length },
  {
    name: "Last Schedule",
    about: "V1CronJobStatus#lastScheduleTime",
    cell: ({ status }, nowMs) => (status?.lastScheduleTime ? age(status.lastScheduleTime, nowMs) : none),
  },
  ageColumn,
  ...containerColumns<V1CronJob>(({ spec }) => spec?.jobTemplate?.spec?.template?.spec?.containers),
  {
    name: "Selector",
    wide: true,
    about: "V1JobSpec#selector",
    cell: ({ spec }) => formatSelector(spec?.jobTemplate?.spec?.selector),
  },
);

export const controllerRevisionColumns = columns<V1ControllerRevision>(
  nameColumn,
  { name: "Controller", about: "Controller of the object", cell: controllerOf },
  { name: "Revision", about: "V1ControllerRevision#revision", cell: ({ revision }) => revision ?? 0 },
  ageColumn,
);

/** "statefulset.apps/web" */
function controllerOf({ metadata }: Wire<V1ControllerRevision>): string {
  const owner = metadata?.ownerReferences?.find((reference) => reference.controller === true);
  if (!owner) return none;
  const [group, version] = (owner.apiVersion ?? "").split("/");
  const kind = version === undefined ? owner.kind : `${owner.kind}.${group}`;
  return `${(kind ?? "").toLowerCase()}/${owner.name}`;
}

export const disruptionBudgetColumns = columns<V1PodDisruptionBudget>(
  nameColumn,
  {
    name: "Min Available",
    about: "The minimum number of pods that must be available.",
    cell: ({ spec }) => intOrString(spec?.minAvailable),
  },
  {
    name: "Max Unavailable",
    about: "The maximum number of pods that may be unavailable.",
    cell: ({ spec }) => intOrString(spec?.maxUnavailable),
  },
  {
    name: "Allowed Disruptions",
    type: "integer",
    about: "Calculated number of pods that may be disrupted at this time.",
    cell: ({ status }) => status?.disruptionsAllowed,
  },
  ageColumn,
);

function intOrString(value: unknown): string {
  return typeof value === "number" || typeof value === "string" ? String(value) : "N/A";
}
