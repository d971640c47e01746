/**
 * What the published client's models do not say of a type: how lists merge, which strings are
 * quantities, which objects are taken as a whole. From the API's field documentation
 * (x-kubernetes-list-type, x-kubernetes-list-map-keys, x-kubernetes-patch-merge-key).
 */

/** Lists merged item by item: `Model.field` → list-map-keys, and the patch-merge-key where it is not the first key. */
export const mapLists: Readonly<Record<string, { keys: readonly [string, ...string[]]; mergeKey?: string }>> = {
  "V1ObjectMeta.ownerReferences": { keys: ["uid"] },
  "V1PodSpec.containers": { keys: ["name"] },
  "V1PodSpec.initContainers": { keys: ["name"] },
  "V1PodSpec.ephemeralContainers": { keys: ["name"] },
  "V1PodSpec.hostAliases": { keys: ["ip"] },
  "V1PodSpec.imagePullSecrets": { keys: ["name"] },
  "V1PodSpec.resourceClaims": { keys: ["name"] },
  "V1PodSpec.schedulingGates": { keys: ["name"] },
  "V1PodSpec.topologySpreadConstraints": { keys: ["topologyKey", "whenUnsatisfiable"] },
  "V1PodSpec.volumes": { keys: ["name"] },
  "V1PodStatus.conditions": { keys: ["type"] },
  "V1PodStatus.hostIPs": { keys: ["ip"] },
  "V1PodStatus.podIPs": { keys: ["ip"] },
  "V1PodStatus.resourceClaimStatuses": { keys: ["name"] },
  "V1Container.env": { keys: ["name"] },
  "V1Container.ports": { keys: ["containerPort", "protocol"] },
  "V1Container.volumeDevices": { keys: ["devicePath"] },
  "V1Container.volumeMounts": { keys: ["mountPath"] },
  "V1EphemeralContainer.env": { keys: ["name"] },
  "V1EphemeralContainer.ports": { keys: ["containerPort", "protocol"] },
  "V1EphemeralContainer.volumeDevices": { keys: ["devicePath"] },
  "V1EphemeralContainer.volumeMounts": { keys: ["mountPath"] },
  "V1ContainerStatus.volumeMounts": { keys: ["mountPath"] },
  "V1ResourceRequirements.claims": { keys: ["name"] },
  "V1VolumeResourceRequirements.claims": { keys: ["name"] },
  "V1ServiceSpec.ports": { keys: ["port", "protocol"] },
  "V1ServiceStatus.conditions": { keys: ["type"] },
  "V1ServiceAccount.secrets": { keys: ["name"] },
  "V1NodeStatus.addresses": { keys: ["type"] },
  "V1NodeStatus.conditions": { keys: ["type"] },
  "V1NamespaceStatus.conditions": { keys: ["type"] },
  "V1PersistentVolumeClaimStatus.conditions": { keys: ["type"] },
  "V1ReplicationControllerStatus.conditions": { keys: ["type"] },
  "V1DeploymentStatus.conditions": { keys: ["type"] },
  "V1ReplicaSetStatus.conditions": { keys: ["type"] },
  "V1StatefulSetStatus.conditions": { keys: ["type"] },
  "V1DaemonSetStatus.conditions": { keys: ["type"] },
  "V1JobStatus.conditions": { keys: ["type"] },
  "V1PodFailurePolicyRule.onPodConditions": { keys: ["type"] },
  "V1PodDisruptionBudgetStatus.conditions": { keys: ["type"] },
  "V1CertificateSigningRequestStatus.conditions": { keys: ["type"] },
  "V1CustomResourceDefinitionStatus.conditions": { keys: ["type"] },
  "V1ServiceCIDRStatus.conditions": { keys: ["type"] },
  "V2HorizontalPodAutoscalerStatus.conditions": { keys: ["type"] },
  "V1CSINodeSpec.drivers": { keys: ["name"] },
  "V1LoadBalancerStatus.ingress": { keys: ["ip"] },
  "V1NetworkPolicyStatus.conditions": { keys: ["type"] },
  "V1JSONSchemaProps.x-kubernetes-validations": { keys: ["rule"] },
};

/** Lists of the map kind for server-side apply alone, merged as a whole by strategic merge patch. */
export const applyOnlyLists: readonly string[] = [
  "V1PodSpec.schedulingGates",
  "V1ResourceRequirements.claims",
  "V1VolumeResourceRequirements.claims",
];

/** Lists whose strategic merge key is not the first of their keys. */
export const mergeKeys: Readonly<Record<string, string>> = {
  "V1PodSpec.topologySpreadConstraints": "topologyKey",
};

/** Lists of scalars that are sets. */
export const setLists: readonly string[] = [
  "V1ObjectMeta.finalizers",
  "V1NodeSpec.podCIDRs",
  "V1CSINodeDriver.topologyKeys",
  "V1LoadBalancerStatus.hostnames",
];

/** Maps and objects that are replaced as a whole (x-kubernetes-map-type: atomic). */
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
  "V1ObjectFieldSelector",
  "V1ResourceFieldSelector",
  "V1OwnerReference",
  "V1TopologySelectorTerm",
  "V1ScopeSelector",
  "V1Subject",
  "RbacV1Subject",
  "V1RoleRef",
  "V1IngressServiceBackend",
];

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
