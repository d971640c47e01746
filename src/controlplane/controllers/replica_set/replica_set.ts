/** ReplicaSets: so many pods of a template, whose labels the selector names. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { ReplicaSet } from "../../../model/kubernetes.ts";
import { labelMatcher } from "../../../model/label_selector.ts";
import { replicasController } from "./replicas_controller.ts";

export const replicaSetController = replicasController<ReplicaSet>("replicaset-controller", "replicaset-controller", {
  type: resourceTypes.replicaSets,
  selects: ({ spec }) => labelMatcher(spec.selector),
  countsTerminating: true,
});
