/** Field numbers of k8s.io/api/core/v1: pods, their containers and what these refer to. */

export const pods = {
  V1Affinity: "nodeAffinity podAffinity podAntiAffinity",
  V1AppArmorProfile: "type localhostProfile?",
  V1Capabilities: "add drop",
  V1ConfigMapEnvSource: "...LocalObjectReference optional?",
  V1ConfigMapKeySelector: "...LocalObjectReference key optional?",
  V1Container:
    "name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle " +
    "terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy " +
    "volumeDevices startupProbe resizePolicy restartPolicy? restartPolicyRules",
  V1ContainerExtendedResourceRequest: "containerName resourceName requestName",
  V1ContainerPort: "name hostPort containerPort protocol hostIP",
  V1ContainerResizePolicy: "resourceName restartPolicy",
  V1ContainerRestartRule: "action exitCodes",
  V1ContainerRestartRuleOnExitCodes: "operator values",
  V1ContainerState: "waiting running terminated",
  V1ContainerStateRunning: "startedAt",
  V1ContainerStateTerminated: "exitCode signal reason message startedAt finishedAt containerID",
  V1ContainerStateWaiting: "reason message",
  V1ContainerStatus:
    "name state lastState ready restartCount image imageID containerID started? allocatedResources resources " +
    "volumeMounts user allocatedResourcesStatus stopSignal?",
  V1ContainerUser: "linux",
  V1EnvFromSource: "prefix configMapRef secretRef",
  V1EnvVar: "name value valueFrom",
  V1EnvVarSource: "fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef",
  V1EphemeralContainer: "...EphemeralContainerCommon targetContainerName",
  EphemeralContainerCommon:
    "name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle " +
    "terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy " +
    "volumeDevices startupProbe resizePolicy restartPolicy? restartPolicyRules",
  V1ExecAction: "command",
  V1FileKeySelector: "volumeName path key optional?",
  V1GRPCAction: "port service?",
  V1HTTPGetAction: "path port host scheme httpHeaders",
  V1HTTPHeader: "name value",
  V1HostAlias: "ip hostnames",
  V1HostIP: "ip",
  V1Lifecycle: "postStart preStop stopSignal?",
  V1LifecycleHandler: "exec httpGet tcpSocket sleep",
  V1LinuxContainerUser: "uid gid supplementalGroups",
  V1LocalObjectReference: "name",
  LocalObjectReference: "name",
  V1NodeAffinity: "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  V1NodeSelector: "nodeSelectorTerms",
  V1NodeSelectorRequirement: "key operator values",
  V1NodeSelectorTerm: "matchExpressions matchFields",
  V1ObjectFieldSelector: "apiVersion fieldPath",
  V1Pod: "metadata spec status",
  V1PodAffinity: "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  V1PodAffinityTerm: "labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys",
  V1PodAntiAffinity: "requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution",
  V1PodCondition: "type status lastProbeTime lastTransitionTime reason message observedGeneration",
  V1PodDNSConfig: "nameservers searches options",
  V1PodDNSConfigOption: "name value?",
  V1PodExtendedResourceClaimStatus: "requestMappings resourceClaimName",
  V1PodIP: "ip",
  V1PodOS: "name",
  V1PodReadinessGate: "conditionType",
  V1PodResourceClaim: "name resourceClaimName?=3 resourceClaimTemplateName?",
  V1PodResourceClaimStatus: "name resourceClaimName?",
  V1PodSchedulingGate: "name",
  V1PodSecurityContext:
    "seLinuxOptions runAsUser? runAsNonRoot? supplementalGroups fsGroup? runAsGroup? sysctls windowsOptions " +
    "fsGroupChangePolicy? seccompProfile appArmorProfile supplementalGroupsPolicy? seLinuxChangePolicy?",
  V1PodSpec:
    "volumes containers restartPolicy terminationGracePeriodSeconds? activeDeadlineSeconds? dnsPolicy " +
    "nodeSelector serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext " +
    "imagePullSecrets hostname subdomain affinity schedulerName initContainers automountServiceAccountToken? " +
    "tolerations hostAliases priorityClassName priority? dnsConfig shareProcessNamespace? readinessGates " +
    "runtimeClassName? enableServiceLinks? preemptionPolicy? overhead topologySpreadConstraints " +
    "ephemeralContainers setHostnameAsFQDN? os hostUsers? schedulingGates resourceClaims resources " +
    "hostnameOverride?",
  V1PodStatus:
    "phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses " +
    "nominatedNodeName podIPs ephemeralContainerStatuses resize resourceClaimStatuses hostIPs observedGeneration " +
    "extendedResourceClaimStatus",
  V1PreferredSchedulingTerm: "weight preference",
  V1Probe:
    "...ProbeHandler initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold " +
    "terminationGracePeriodSeconds?",
  ProbeHandler: "exec httpGet tcpSocket grpc",
  CoreV1ResourceClaim: "name request",
  V1ResourceFieldSelector: "containerName resource divisor",
  V1ResourceHealth: "resourceID health",
  V1ResourceRequirements: "limits requests claims",
  V1ResourceStatus: "name resources",
  V1SELinuxOptions: "user role type level",
  V1SeccompProfile: "type localhostProfile?",
  V1SecretEnvSource: "...LocalObjectReference optional?",
  V1SecretKeySelector: "...LocalObjectReference key optional?",
  V1SecurityContext:
    "capabilities privileged? seLinuxOptions runAsUser? runAsNonRoot? readOnlyRootFilesystem? " +
    "allowPrivilegeEscalation? runAsGroup? procMount? windowsOptions seccompProfile appArmorProfile",
  V1SleepAction: "seconds",
  V1Sysctl: "name value",
  V1TCPSocketAction: "port host",
  V1Toleration: "key operator value effect tolerationSeconds?",
  V1TopologySpreadConstraint:
    "maxSkew topologyKey whenUnsatisfiable labelSelector minDomains? nodeAffinityPolicy? nodeTaintsPolicy? " +
    "matchLabelKeys",
  V1TypedLocalObjectReference: "apiGroup? kind name",
  V1TypedObjectReference: "apiGroup? kind name namespace?",
  V1VolumeDevice: "name devicePath",
  V1VolumeMount: "name readOnly mountPath subPath mountPropagation? subPathExpr recursiveReadOnly?",
  V1VolumeMountStatus: "name mountPath readOnly recursiveReadOnly?",
  V1WeightedPodAffinityTerm: "weight podAffinityTerm",
  V1WindowsSecurityContextOptions: "gmsaCredentialSpecName? gmsaCredentialSpec? runAsUserName? hostProcess?",
} as const satisfies Readonly<Record<string, string>>;
