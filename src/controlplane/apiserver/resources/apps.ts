import { group, type Resource, type Subresource } from "./resource.ts";

const scale: Subresource = {
  name: "scale",
  verbs: ["get", "patch", "update"],
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
};
const workload = { categories: ["all"], status: true, generation: true } as const;

export const apps: readonly Resource[] = group("apps", [
  { plural: "controllerrevisions", kind: "ControllerRevision" },
  { plural: "daemonsets", kind: "DaemonSet", shortNames: ["ds"], ...workload },
  { plural: "deployments", kind: "Deployment", shortNames: ["deploy"], ...workload, subresources: [scale] },
  { plural: "replicasets", kind: "ReplicaSet", shortNames: ["rs"], ...workload, subresources: [scale] },
  { plural: "statefulsets", kind: "StatefulSet", shortNames: ["sts"], ...workload, subresources: [scale] },
]);

export const batch: readonly Resource[] = group("batch", [
  { plural: "cronjobs", kind: "CronJob", shortNames: ["cj"], ...workload },
  { plural: "jobs", kind: "Job", ...workload, selectableFields: ["status.successful"] },
]);

export const autoscaling: readonly Resource[] = group("autoscaling", [
  {
    plural: "horizontalpodautoscalers",
    kind: "HorizontalPodAutoscaler",
    shortNames: ["hpa"],
    categories: ["all"],
    status: true,
    versions: [
      { version: "v2", model: "V2HorizontalPodAutoscaler" },
      { version: "v1", model: "V1HorizontalPodAutoscaler" },
    ],
  },
]);

export const policy: readonly Resource[] = group("policy", [
  { plural: "poddisruptionbudgets", kind: "PodDisruptionBudget", shortNames: ["pdb"], status: true, generation: true },
]);
