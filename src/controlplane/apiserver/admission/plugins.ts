/** The plug-ins that every server has, in upstream's order (pkg/kubeapiserver/options/plugins.go). */
import type { Authorizer } from "../auth/authorizer.ts";
import type { Lookup } from "../auth/lookup.ts";
import type { RbacIndex } from "../auth/rbac/index.ts";
import type { AdmissionPlugin } from "./admission.ts";
import {
  certificateApproval,
  certificateRequestUser,
  certificateSigning,
  certificateSubjectRestriction,
} from "./certificates.ts";
import { DefaultIngressClass } from "./default_ingress_class.ts";
import { DefaultStorageClass } from "./default_storage_class.ts";
import { defaultTolerationSeconds } from "./default_toleration_seconds.ts";
import { LimitRanger } from "./limit_ranger.ts";
import { NamespaceLifecycle } from "./namespace_lifecycle.ts";
import { NodeRestriction } from "./node_restriction.ts";
import { PersistentVolumeClaimResize } from "./persistent_volume_claim_resize.ts";
import { Priority } from "./priority.ts";
import { RbacEscalation } from "./rbac_escalation.ts";
import { ResourceQuota, type ResourceQuotaOptions } from "./resource_quota.ts";
import { RuntimeClass } from "./runtime_class.ts";
import { ServiceAccount } from "./service_account.ts";
import { storageObjectInUseProtection } from "./storage_object_in_use_protection.ts";
import { taintNodesByCondition } from "./taint_nodes_by_condition.ts";

export interface PluginsOptions {
  readonly lookup: Lookup;
  readonly authorizer: Authorizer;
  readonly rbac: RbacIndex;
  readonly updateQuotaStatus: ResourceQuotaOptions["updateStatus"];
  readonly objectsOf: ResourceQuotaOptions["objects"];
  /** Plug-ins of other parts (webhooks, PodSecurity): behind those that change objects, before quotas. */
  readonly others: readonly AdmissionPlugin[];
}

export function builtInPlugins({
  lookup,
  authorizer,
  rbac,
  updateQuotaStatus,
  objectsOf,
  others,
}: PluginsOptions): AdmissionPlugin[] {
  return [
    new NamespaceLifecycle(lookup),
    new LimitRanger(lookup),
    // Before ServiceAccount, which would give a mirror pod what a node may not.
    new NodeRestriction(lookup),
    new ServiceAccount(lookup),
    taintNodesByCondition,
    new Priority(lookup),
    defaultTolerationSeconds,
    storageObjectInUseProtection,
    new DefaultStorageClass(lookup),
    new PersistentVolumeClaimResize(lookup),
    new RuntimeClass(lookup),
    certificateRequestUser,
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    new DefaultIngressClass(lookup),
    new RbacEscalation(rbac, authorizer, lookup),
    ...others,
    new ResourceQuota({ lookup, objects: objectsOf, updateStatus: updateQuotaStatus }),
  ];
}
