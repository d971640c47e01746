/** Field numbers of k8s.io/api/core/v1: what is neither a pod nor a volume. */

export const core = {
  V1Binding: "metadata target",
  V1ClientIPConfig: "timeoutSeconds?",
  V1ComponentCondition: "type status message error",
  V1ComponentStatus: "metadata conditions",
  V1ConfigMap: "metadata data binaryData immutable?",
  V1ConfigMapNodeConfigSource: "namespace name uid resourceVersion kubeletConfigKey",
  V1ContainerImage: "names sizeBytes",
  V1DaemonEndpoint: "Port",
  V1EndpointAddress: "ip targetRef hostname nodeName?",
  CoreV1EndpointPort: "name port protocol appProtocol?",
  V1EndpointSubset: "addresses notReadyAddresses ports",
  V1Endpoints: "metadata subsets",
  CoreV1Event:
    "metadata involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series " +
    "action related reportingComponent! reportingInstance!",
  CoreV1EventSeries: "count lastObservedTime",
  V1EventSource: "component host",
  V1LimitRange: "metadata spec",
  V1LimitRangeItem: "type max min default defaultRequest maxLimitRequestRatio",
  V1LimitRangeSpec: "limits",
  V1LoadBalancerIngress: "ip hostname ipMode? ports",
  V1LoadBalancerStatus: "ingress",
  V1Namespace: "metadata spec status",
  V1NamespaceCondition: "type status lastTransitionTime=4 reason message",
  V1NamespaceSpec: "finalizers",
  V1NamespaceStatus: "phase conditions",
  V1Node: "metadata spec status",
  V1NodeAddress: "type address",
  V1NodeCondition: "type status lastHeartbeatTime lastTransitionTime reason message",
  V1NodeConfigSource: "configMap=2",
  V1NodeConfigStatus: "assigned active lastKnownGood error",
  V1NodeDaemonEndpoints: "kubeletEndpoint",
  V1NodeFeatures: "supplementalGroupsPolicy?",
  V1NodeRuntimeHandler: "name! features",
  V1NodeRuntimeHandlerFeatures: "recursiveReadOnlyMounts? userNamespaces?",
  V1NodeSpec: "podCIDR externalID providerID unschedulable taints configSource podCIDRs",
  V1NodeStatus:
    "capacity allocatable phase conditions addresses daemonEndpoints nodeInfo images volumesInUse volumesAttached " +
    "config runtimeHandlers features",
  V1NodeSwapStatus: "capacity?",
  V1NodeSystemInfo:
    "machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion " +
    "operatingSystem architecture swap",
  V1ObjectReference: "kind namespace name uid apiVersion resourceVersion fieldPath",
  V1PodTemplate: "metadata template",
  V1PodTemplateSpec: "metadata spec",
  V1PortStatus: "port protocol error?",
  V1ReplicationController: "metadata spec status",
  V1ReplicationControllerCondition: "type status lastTransitionTime reason message",
  V1ReplicationControllerSpec: "replicas? selector template minReadySeconds",
  V1ReplicationControllerStatus:
    "replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions",
  V1ResourceQuota: "metadata spec status",
  V1ResourceQuotaSpec: "hard scopes scopeSelector",
  V1ResourceQuotaStatus: "hard used",
  V1ScopeSelector: "matchExpressions",
  V1ScopedResourceSelectorRequirement: "scopeName operator values",
  V1Secret: "metadata data type stringData immutable?",
  V1SecretReference: "name namespace",
  V1Service: "metadata spec status",
  V1ServiceAccount: "metadata secrets imagePullSecrets automountServiceAccountToken?",
  V1ServicePort: "name protocol port targetPort nodePort appProtocol?",
  V1ServiceSpec:
    "ports selector clusterIP type externalIPs sessionAffinity=7 loadBalancerIP loadBalancerSourceRanges " +
    "externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig " +
    "ipFamilyPolicy?=17 clusterIPs ipFamilies allocateLoadBalancerNodePorts? loadBalancerClass? " +
    "internalTrafficPolicy? trafficDistribution?",
  V1ServiceStatus: "loadBalancer conditions",
  V1SessionAffinityConfig: "clientIP",
  V1Taint: "key value effect timeAdded",
  V1TopologySelectorLabelRequirement: "key values",
  V1TopologySelectorTerm: "matchLabelExpressions",
} as const satisfies Readonly<Record<string, string>>;
