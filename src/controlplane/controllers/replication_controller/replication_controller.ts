/** ReplicationControllers: what ReplicaSets were before selectors had expressions. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { ReplicationController } from "../../../model/kubernetes.ts";
import { equalityMatcher } from "../../../model/label_selector.ts";
import { replicasController } from "../replica_set/replicas_controller.ts";

export const replicationControllerController = replicasController<ReplicationController>(
  "replicationcontroller-controller",
  "replication-controller",
  {
    type: resourceTypes.replicationControllers,
    selects: ({ spec }) => equalityMatcher(spec.selector),
    countsTerminating: false,
  },
);
