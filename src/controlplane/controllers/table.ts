/** Every controller that there is; a new one is a row here and a folder beside this file. */
import type { ControllerRow } from "./controller.ts";
import { garbageCollectorController } from "./garbage_collector/garbage_collector.ts";
import { namespaceController } from "./namespace/namespace.ts";
import { replicaSetController } from "./replica_set/replica_set.ts";
import { replicationControllerController } from "./replication_controller/replication_controller.ts";

export const controllerTable: readonly ControllerRow[] = [
  garbageCollectorController,
  namespaceController,
  replicaSetController,
  replicationControllerController,
];
