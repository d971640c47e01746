/** Field numbers of k8s.io/api: coordination, discovery, events, networking, node, scheduling and storage, each v1. */

export const cluster = {
  // coordination/v1
  V1Lease: "metadata spec",
  V1LeaseSpec:
    "holderIdentity? leaseDurationSeconds? acquireTime renewTime leaseTransitions? strategy? preferredHolder?",

  // core/v1
  IngressRuleValue: "http",

  // discovery/v1
  V1Endpoint: "addresses conditions hostname? targetRef deprecatedTopology nodeName? zone? hints",
  V1EndpointConditions: "ready? serving? terminating?",
  V1EndpointHints: "forZones forNodes",
  DiscoveryV1EndpointPort: "name? protocol? port? appProtocol?",
  V1EndpointSlice: "metadata endpoints ports addressType",
  V1ForNode: "name",
  V1ForZone: "name",

  // events/v1
  EventsV1Event:
    "metadata eventTime series reportingController reportingInstance action reason regarding related note type " +
    "deprecatedSource deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedCount",
  EventsV1EventSeries: "count lastObservedTime",

  // networking/v1
  V1HTTPIngressPath: "path backend pathType?",
  V1HTTPIngressRuleValue: "paths",
  V1IPAddress: "metadata spec",
  V1IPAddressSpec: "parentRef",
  V1IPBlock: "cidr except",
  V1Ingress: "metadata spec status",
  V1IngressBackend: "resource=3 service",
  V1IngressClass: "metadata spec",
  V1IngressClassParametersReference: "apiGroup? kind name scope? namespace?",
  V1IngressClassSpec: "controller parameters",
  V1IngressLoadBalancerIngress: "ip hostname ports=4",
  V1IngressLoadBalancerStatus: "ingress",
  V1IngressPortStatus: "port protocol error?",
  V1IngressRule: "host ...IngressRuleValue",
  V1IngressServiceBackend: "name port",
  V1IngressSpec: "defaultBackend tls rules ingressClassName?",
  V1IngressStatus: "loadBalancer",
  V1IngressTLS: "hosts secretName",
  V1NetworkPolicy: "metadata spec",
  V1NetworkPolicyEgressRule: "ports to",
  V1NetworkPolicyIngressRule: "ports from",
  V1NetworkPolicyPeer: "podSelector namespaceSelector ipBlock",
  V1NetworkPolicyPort: "protocol? port endPort?",
  V1NetworkPolicySpec: "podSelector ingress egress policyTypes",
  V1ParentReference: "group resource namespace name",
  V1ServiceBackendPort: "name number",
  V1ServiceCIDR: "metadata spec status",
  V1ServiceCIDRSpec: "cidrs",
  V1ServiceCIDRStatus: "conditions",

  // node/v1
  V1Overhead: "podFixed",
  V1RuntimeClass: "metadata handler overhead scheduling",
  V1Scheduling: "nodeSelector tolerations",

  // scheduling/v1
  V1PriorityClass: "metadata value globalDefault description preemptionPolicy?",

  // storage/v1
  V1CSIDriver: "metadata spec",
  V1CSIDriverSpec:
    "attachRequired? podInfoOnMount? volumeLifecycleModes storageCapacity? fsGroupPolicy? tokenRequests " +
    "requiresRepublish? seLinuxMount? nodeAllocatableUpdatePeriodSeconds?",
  V1CSINode: "metadata spec",
  V1CSINodeDriver: "name nodeID topologyKeys allocatable",
  V1CSINodeSpec: "drivers",
  V1CSIStorageCapacity: "metadata nodeTopology storageClassName capacity maximumVolumeSize",
  V1StorageClass:
    "metadata provisioner parameters reclaimPolicy? mountOptions allowVolumeExpansion? volumeBindingMode? " +
    "allowedTopologies",
  StorageV1TokenRequest: "audience expirationSeconds?",
  V1VolumeAttachment: "metadata spec status",
  V1VolumeAttachmentSource: "persistentVolumeName? inlineVolumeSpec",
  V1VolumeAttachmentSpec: "attacher source nodeName",
  V1VolumeAttachmentStatus: "attached attachmentMetadata attachError detachError",
  V1VolumeError: "time message errorCode?",
  V1VolumeNodeResources: "count?",
} as const satisfies Readonly<Record<string, string>>;
