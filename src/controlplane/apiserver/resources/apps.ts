import { horizontalPodAutoscaler } from "../strategies/autoscaling.ts";
import { autoscalingV1 } from "../strategies/autoscaling_conversion.ts";
import { podDisruptionBudget } from "../strategies/disruption_budget.ts";
import { cronJob } from "../strategies/workloads/cron_job.ts";
import { controllerRevision, daemonSet } from "../strategies/workloads/daemon_set.ts";
import { deployment, replicaSet } from "../strategies/workloads/deployment.ts";
import { job } from "../strategies/workloads/job.ts";
import { statefulSet } from "../strategies/workloads/stateful_set.ts";
import { autoscalerColumns } from "../printing/columns/autoscaling.ts";
import * as workloads from "../printing/columns/workloads.ts";
import { group, type Resource, type Subresource } from "./resource.ts";
import { at } from "./selectable.ts";

const scale: Subresource = {
  name: "scale",
  verbs: ["get", "patch", "update"],
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
};
const workload = { categories: ["all"], status: true, generation: true } as const;

export const apps: readonly Resource[] = group("apps", [
  {
    plural: "controllerrevisions",
    kind: "ControllerRevision",
    strategy: controllerRevision,
    columns: workloads.controllerRevisionColumns,
  },
  {
    plural: "daemonsets",
    kind: "DaemonSet",
    strategy: daemonSet,
    columns: workloads.daemonSetColumns,
    shortNames: ["ds"],
    ...workload,
  },
  {
    plural: "deployments",
    kind: "Deployment",
    strategy: deployment,
    columns: workloads.deploymentColumns,
    shortNames: ["deploy"],
    ...workload,
    subresources: [scale],
  },
  {
    plural: "replicasets",
    kind: "ReplicaSet",
    strategy: replicaSet,
    columns: workloads.replicaSetColumns,
    shortNames: ["rs"],
    ...workload,
    subresources: [scale],
    selectableFields: ["status.replicas"],
    fieldReaders: { "status.replicas": at("status.replicas", "0") },
  },
  {
    plural: "statefulsets",
    kind: "StatefulSet",
    strategy: statefulSet,
    columns: workloads.statefulSetColumns,
    shortNames: ["sts"],
    ...workload,
    subresources: [scale],
  },
]);

export const batch: readonly Resource[] = group("batch", [
  {
    plural: "cronjobs",
    kind: "CronJob",
    strategy: cronJob,
    columns: workloads.cronJobColumns,
    shortNames: ["cj"],
    ...workload,
  },
  {
    plural: "jobs",
    kind: "Job",
    strategy: job,
    columns: workloads.jobColumns,
    ...workload,
    selectableFields: ["status.successful"],
    fieldReaders: { "status.successful": at("status.succeeded", "0") },
  },
]);

export const autoscaling: readonly Resource[] = group("autoscaling", [
  {
    plural: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
    strategy: horizontalPodAutoscaler,
    columns: autoscalerColumns,
    shortNames: ["hpa"],
    categories: ["all"],
    status: true,
    versions: [
      { version: "v2", model: "V2HorizontalPodAutoscaler" },
      { version: "v1", model: "V1HorizontalPodAutoscaler", convert: autoscalingV1 },
    ],
  },
]);

export const policy: readonly Resource[] = group("policy", [
  {
    plural: "poddisruptionbudgets",
    kind: "PodDisruptionBudget",
    strategy: podDisruptionBudget,
    columns: workloads.disruptionBudgetColumns,
    shortNames: ["pdb"],
    status: true,
    generation: true,
  },
]);
