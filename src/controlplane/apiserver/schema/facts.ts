/**
 * What the published client's models do not say of a type: how lists merge, which strings are
 * quantities, which objects are taken as a whole. From the API's field documentation
 * (x-kubernetes-list-type, x-kubernetes-list-map-keys, x-kubernetes-patch-merge-key).
 */
import type { PatchStrategy } from "./schema.ts";

/** Lists merged item by item: `Model.field` → x-kubernetes-list-map-keys. A list that is not here nor a set is taken whole. */
export const mapLists: Readonly<Record<string, readonly [string, ...string[]]>> = {
  "V1ObjectMeta.ownerReferences": ["uid"],
  "V1PodSpec.containers": ["name"],
  "V1PodSpec.initContainers": ["name"],
  "V1PodSpec.ephemeralContainers": ["name"],
  "V1PodSpec.hostAliases": ["ip"],
  "V1PodSpec.imagePullSecrets": ["name"],
  "V1PodSpec.resourceClaims": ["name"],
  "V1PodSpec.schedulingGates": ["name"],
  "V1PodSpec.topologySpreadConstraints": ["topologyKey", "whenUnsatisfiable"],
  "V1PodSpec.volumes": ["name"],
  "V1PodStatus.conditions": ["type"],
  "V1PodStatus.podIPs": ["ip"],
  "V1PodStatus.resourceClaimStatuses": ["name"],
  "V1Container.env": ["name"],
  "V1Container.ports": ["containerPort", "protocol"],
  "V1Container.volumeDevices": ["devicePath"],
  "V1Container.volumeMounts": ["mountPath"],
  "V1EphemeralContainer.env": ["name"],
  "V1EphemeralContainer.ports": ["containerPort", "protocol"],
  "V1EphemeralContainer.volumeDevices": ["devicePath"],
  "V1EphemeralContainer.volumeMounts": ["mountPath"],
  "V1ContainerStatus.allocatedResourcesStatus": ["name"],
  "V1ContainerStatus.volumeMounts": ["mountPath"],
  "V1ResourceStatus.resources": ["resourceID"],
  "V1ResourceRequirements.claims": ["name"],
  "V1ServiceSpec.ports": ["port", "protocol"],
  "V1ServiceStatus.conditions": ["type"],
  "V1ServiceAccount.secrets": ["name"],
  "V1NodeStatus.addresses": ["type"],
  "V1NodeStatus.conditions": ["type"],
  "V1NamespaceStatus.conditions": ["type"],
  "V1PersistentVolumeClaimStatus.conditions": ["type"],
  "V1ReplicationControllerStatus.conditions": ["type"],
  "V1DeploymentStatus.conditions": ["type"],
  "V1ReplicaSetStatus.conditions": ["type"],
  "V1StatefulSetStatus.conditions": ["type"],
  "V1DaemonSetStatus.conditions": ["type"],
  "V1PodDisruptionBudgetStatus.conditions": ["type"],
  "V1CertificateSigningRequestStatus.conditions": ["type"],
  "V1CustomResourceDefinitionStatus.conditions": ["type"],
  "V1JSONSchemaProps.x-kubernetes-validations": ["rule"],
  "V1ServiceCIDRStatus.conditions": ["type"],
  "V2HorizontalPodAutoscalerStatus.conditions": ["type"],
  "V1CSINodeSpec.drivers": ["name"],
  "V1MutatingWebhook.matchConditions": ["name"],
  "V1MutatingWebhookConfiguration.webhooks": ["name"],
  "V1ValidatingWebhook.matchConditions": ["name"],
  "V1ValidatingWebhookConfiguration.webhooks": ["name"],
  "V1ValidatingAdmissionPolicySpec.matchConditions": ["name"],
  "V1ValidatingAdmissionPolicySpec.variables": ["name"],
  "V1ValidatingAdmissionPolicyStatus.conditions": ["type"],
  "V1APIServiceStatus.conditions": ["type"],
  "V1FlowSchemaStatus.conditions": ["type"],
  "V1PriorityLevelConfigurationStatus.conditions": ["type"],
  "V1AllocatedDeviceStatus.conditions": ["type"],
  "V1ResourceClaimStatus.devices": ["driver", "device", "pool"],
  "V1ResourceClaimStatus.reservedFor": ["uid"],
};

/** What a key of a map list is where an item does not say it. */
export const keyDefaults: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "V1Container.ports": { protocol: "TCP" },
  "V1EphemeralContainer.ports": { protocol: "TCP" },
  "V1ServiceSpec.ports": { protocol: "TCP" },
};

/** Lists of scalars that are sets. */
export const setLists: readonly string[] = [
  "V1ObjectMeta.finalizers",
  "V1NodeSpec.podCIDRs",
  "V1Endpoint.addresses",
  "V1CSIDriverSpec.volumeLifecycleModes",
  "V1UncountedTerminatedPods.failed",
  "V1UncountedTerminatedPods.succeeded",
  "V1PodFailurePolicyOnExitCodesRequirement.values",
  "V1ContainerRestartRuleOnExitCodes.values",
  "V1ValidatingAdmissionPolicyBindingSpec.validationActions",
  "V1NonResourcePolicyRule.nonResourceURLs",
  "V1NonResourcePolicyRule.verbs",
  "V1ResourcePolicyRule.apiGroups",
  "V1ResourcePolicyRule.namespaces",
  "V1ResourcePolicyRule.resources",
  "V1ResourcePolicyRule.verbs",
];

/**
 * Map lists whose items strategic merge patch does not merge: their types carry no patchStrategy. All other map lists
 * merge by their first key, as the patchMergeKey says.
 */
export const appliedOnlyLists: readonly string[] = [
  "V1ResourceRequirements.claims",
  "V1ResourceStatus.resources",
  "V1CertificateSigningRequestStatus.conditions",
  "V1CustomResourceDefinitionStatus.conditions",
  "V1ValidatingAdmissionPolicyStatus.conditions",
  "V1FlowSchemaStatus.conditions",
  "V1PriorityLevelConfigurationStatus.conditions",
  "V1AllocatedDeviceStatus.conditions",
  "V1ResourceClaimStatus.devices",
];

/** x-kubernetes-patch-strategy and x-kubernetes-patch-merge-key where the kind of the list does not say them. */
export const patchStrategies: Readonly<Record<string, PatchStrategy>> = {
  "V1ObjectMeta.finalizers": { strategy: "merge" },
  "V1NodeSpec.podCIDRs": { strategy: "merge" },
  "V1JobStatus.conditions": { strategy: "merge", mergeKey: "type" },
  "V1ComponentStatus.conditions": { strategy: "merge", mergeKey: "type" },
  "V1PodStatus.hostIPs": { strategy: "merge", mergeKey: "ip" },
  "V1PodSpec.volumes": { strategy: "merge,retainKeys", mergeKey: "name" },
  "V1PodSpec.resourceClaims": { strategy: "merge,retainKeys", mergeKey: "name" },
  "V1PodStatus.resourceClaimStatuses": { strategy: "merge,retainKeys", mergeKey: "name" },
  "V1DeploymentSpec.strategy": { strategy: "retainKeys" },
  "V1PodDisruptionBudgetSpec.selector": { strategy: "replace" },
};

/** Objects that are replaced as a whole (x-kubernetes-map-type: atomic). */
export const atomicModels: readonly string[] = [
  "V1LabelSelector",
  "V1NodeSelector",
  "V1NodeSelectorTerm",
  "V1ObjectReference",
  "V1LocalObjectReference",
  "V1TypedLocalObjectReference",
  "V1SecretReference",
  "V1ConfigMapKeySelector",
  "V1SecretKeySelector",
  "V1FileKeySelector",
  "V1ObjectFieldSelector",
  "V1ResourceFieldSelector",
  "V1OwnerReference",
  "V1TopologySelectorTerm",
  "V1ScopeSelector",
  "V1EndpointAddress",
  "CoreV1EndpointPort",
  "DiscoveryV1EndpointPort",
  "V1ServiceBackendPort",
  "V1CrossVersionObjectReference",
  "RbacV1Subject",
  "V1RoleRef",
];

/** Fields of an atomic model that are merged field by field all the same (structType=granular on the field). */
export const granularFields: readonly string[] = ["V1PersistentVolumeSpec.claimRef"];

/** Maps that are replaced as a whole. */
export const atomicMaps: readonly string[] = [
  "V1PodSpec.nodeSelector",
  "V1ServiceSpec.selector",
  "V1ReplicationControllerSpec.selector",
  "V1Scheduling.nodeSelector",
];

/**
 * Structs that upstream's types hold by value, so that a new, empty object has them already and whoever creates it does
 * not own them themselves; besides `metadata`, `spec`, `status` and `template` of every kind.
 */
export const structsByValue: readonly string[] = [
  "V1CronJobSpec.jobTemplate",
  "V1CustomResourceDefinitionSpec.names",
  "V1CustomResourceDefinitionStatus.acceptedNames",
  "V1DaemonSetSpec.updateStrategy",
  "V1DeploymentSpec.strategy",
  "V1HorizontalPodAutoscalerSpec.scaleTargetRef",
  "V1IngressStatus.loadBalancer",
  "V1NodeStatus.daemonEndpoints",
  "V1NodeStatus.nodeInfo",
  "V1PersistentVolumeClaimSpec.resources",
  "V1ServiceStatus.loadBalancer",
  "V1StatefulSetSpec.updateStrategy",
  "V1VolumeAttachmentSpec.source",
  "V2HorizontalPodAutoscalerSpec.scaleTargetRef",
];

/** Lists that a new, empty object writes as null. */
export const listsByValue: readonly string[] = ["V1PodSpec.containers", "V1CSINodeSpec.drivers"];

/** Fields of type map[string]string in the client's models that are quantities, by `Model.field`. */
export const quantityMaps: readonly string[] = [
  "V1ResourceRequirements.limits",
  "V1ResourceRequirements.requests",
  "V1VolumeResourceRequirements.limits",
  "V1VolumeResourceRequirements.requests",
  "V1PodSpec.overhead",
  "V1NodeStatus.allocatable",
  "V1NodeStatus.capacity",
  "V1LimitRangeItem._default",
  "V1LimitRangeItem.default",
  "V1LimitRangeItem.defaultRequest",
  "V1LimitRangeItem.max",
  "V1LimitRangeItem.maxLimitRequestRatio",
  "V1LimitRangeItem.min",
  "V1ResourceQuotaSpec.hard",
  "V1ResourceQuotaStatus.hard",
  "V1ResourceQuotaStatus.used",
  "V1PersistentVolumeSpec.capacity",
  "V1PersistentVolumeClaimStatus.allocatedResources",
  "V1PersistentVolumeClaimStatus.capacity",
  "V1ContainerStatus.allocatedResources",
  "V1Overhead.podFixed",
];

/** Fields of type string in the client's models that are quantities. */
export const quantities: readonly string[] = [
  "V1EmptyDirVolumeSource.sizeLimit",
  "V1ResourceFieldSelector.divisor",
  "V1CSIStorageCapacity.capacity",
  "V1CSIStorageCapacity.maximumVolumeSize",
  "V2MetricTarget.averageValue",
  "V2MetricTarget.value",
  "V2MetricValueStatus.averageValue",
  "V2MetricValueStatus.value",
];
