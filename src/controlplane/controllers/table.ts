/** Every controller that there is; a new one is a row here and a folder beside this file. */
import type { ControllerRow } from "./controller.ts";
import { bootstrapSignerController } from "./bootstrap_signer/bootstrap_signer.ts";
import { clusterRoleAggregationController } from "./cluster_role_aggregation/cluster_role_aggregation.ts";
import { cronJobController } from "./cron_job/cron_job.ts";
import { csrApprovingController } from "./csr_approving/csr_approving.ts";
import { csrCleanerController } from "./csr_cleaner/csr_cleaner.ts";
import { csrSigningController } from "./csr_signing/csr_signing.ts";
import { daemonSetController } from "./daemon_set/daemon_set.ts";
import { deploymentController } from "./deployment/deployment.ts";
import { disruptionController } from "./disruption/disruption.ts";
import { endpointSliceController } from "./endpoint_slice/endpoint_slice.ts";
import { endpointSliceMirroringController } from "./endpoint_slice_mirroring/endpoint_slice_mirroring.ts";
import { endpointsController } from "./endpoints/endpoints.ts";
import { garbageCollectorController } from "./garbage_collector/garbage_collector.ts";
import { jobController } from "./job/job.ts";
import { localPathProvisionerController } from "./local_path_provisioner/local_path_provisioner.ts";
import { namespaceController } from "./namespace/namespace.ts";
import { nodeDnsController } from "./node_dns/node_dns.ts";
import { nodeIpamController } from "./node_ipam/node_ipam.ts";
import { nodeLifecycleController } from "./node_lifecycle/node_lifecycle.ts";
import { persistentVolumeBinderController } from "./persistent_volume_binder/persistent_volume_binder.ts";
import { podGcController } from "./pod_gc/pod_gc.ts";
import { replicaSetController } from "./replica_set/replica_set.ts";
import { replicationControllerController } from "./replication_controller/replication_controller.ts";
import { resourceQuotaController } from "./resource_quota/resource_quota.ts";
import { rootCaPublisherController } from "./root_ca_publisher/root_ca_publisher.ts";
import { serviceAccountController } from "./service_account/service_account.ts";
import { serviceCidrController } from "./service_cidr/service_cidr.ts";
import { serviceLoadBalancerController } from "./service_load_balancer/service_load_balancer.ts";
import { statefulSetController } from "./stateful_set/stateful_set.ts";
import { taintEvictionController } from "./taint_eviction/taint_eviction.ts";
import { tokenCleanerController } from "./token_cleaner/token_cleaner.ts";
import { ttlAfterFinishedController } from "./ttl_after_finished/ttl_after_finished.ts";
import { claimProtectionController, volumeProtectionController } from "./volume_protection/volume_protection.ts";

export const controllerTable: readonly ControllerRow[] = [
  bootstrapSignerController,
  claimProtectionController,
  clusterRoleAggregationController,
  cronJobController,
  csrApprovingController,
  csrCleanerController,
  csrSigningController,
  daemonSetController,
  deploymentController,
  disruptionController,
  endpointSliceController,
  endpointSliceMirroringController,
  endpointsController,
  garbageCollectorController,
  jobController,
  localPathProvisionerController,
  namespaceController,
  nodeDnsController,
  nodeIpamController,
  nodeLifecycleController,
  persistentVolumeBinderController,
  podGcController,
  replicaSetController,
  replicationControllerController,
  resourceQuotaController,
  rootCaPublisherController,
  serviceAccountController,
  serviceCidrController,
  serviceLoadBalancerController,
  statefulSetController,
  taintEvictionController,
  tokenCleanerController,
  ttlAfterFinishedController,
  volumeProtectionController,
];
