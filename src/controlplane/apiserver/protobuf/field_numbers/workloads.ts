/** Field numbers of k8s.io/api: apps/v1, batch/v1, autoscaling/v1 and v2, policy/v1. */

export const workloads = {
  // apps/v1
  V1ControllerRevision: "metadata data revision",
  V1DaemonSet: "metadata spec status",
  V1DaemonSetCondition: "type status lastTransitionTime reason message",
  V1DaemonSetSpec: "selector template updateStrategy minReadySeconds revisionHistoryLimit?=6",
  V1DaemonSetStatus:
    "currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration " +
    "updatedNumberScheduled numberAvailable numberUnavailable collisionCount? conditions",
  V1DaemonSetUpdateStrategy: "type rollingUpdate",
  V1Deployment: "metadata spec status",
  V1DeploymentCondition: "type status reason=4 message lastUpdateTime lastTransitionTime",
  V1DeploymentSpec:
    "replicas? selector template strategy minReadySeconds revisionHistoryLimit? paused progressDeadlineSeconds?=9",
  V1DeploymentStatus:
    "observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas conditions readyReplicas " +
    "collisionCount? terminatingReplicas?",
  V1DeploymentStrategy: "type rollingUpdate",
  V1ReplicaSet: "metadata spec status",
  V1ReplicaSetCondition: "type status lastTransitionTime reason message",
  V1ReplicaSetSpec: "replicas? selector template minReadySeconds",
  V1ReplicaSetStatus:
    "replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions " +
    "terminatingReplicas?",
  V1RollingUpdateDaemonSet: "maxUnavailable maxSurge",
  V1RollingUpdateDeployment: "maxUnavailable maxSurge",
  V1RollingUpdateStatefulSetStrategy: "partition? maxUnavailable",
  V1StatefulSet: "metadata spec status",
  V1StatefulSetCondition: "type status lastTransitionTime reason message",
  V1StatefulSetOrdinals: "start!",
  V1StatefulSetPersistentVolumeClaimRetentionPolicy: "whenDeleted whenScaled",
  V1StatefulSetSpec:
    "replicas? selector template volumeClaimTemplates serviceName! podManagementPolicy updateStrategy " +
    "revisionHistoryLimit? minReadySeconds persistentVolumeClaimRetentionPolicy ordinals",
  V1StatefulSetStatus:
    "observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision updateRevision " +
    "collisionCount?=9 conditions availableReplicas!",
  V1StatefulSetUpdateStrategy: "type rollingUpdate",

  // autoscaling/v1
  V1CrossVersionObjectReference: "kind name apiVersion",
  V1HorizontalPodAutoscaler: "metadata spec status",
  V1HorizontalPodAutoscalerSpec: "scaleTargetRef minReplicas? maxReplicas targetCPUUtilizationPercentage?",
  V1HorizontalPodAutoscalerStatus:
    "observedGeneration? lastScaleTime currentReplicas desiredReplicas currentCPUUtilizationPercentage?",
  V1Scale: "metadata spec status",
  V1ScaleSpec: "replicas",
  V1ScaleStatus: "replicas selector",

  // autoscaling/v2
  V2ContainerResourceMetricSource: "name target container",
  V2ContainerResourceMetricStatus: "name current container",
  V2CrossVersionObjectReference: "kind name apiVersion",
  V2ExternalMetricSource: "metric target",
  V2ExternalMetricStatus: "metric current",
  V2HPAScalingPolicy: "type value periodSeconds",
  V2HPAScalingRules: "selectPolicy? policies stabilizationWindowSeconds? tolerance:quantity",
  V2HorizontalPodAutoscaler: "metadata spec status",
  V2HorizontalPodAutoscalerBehavior: "scaleUp scaleDown",
  V2HorizontalPodAutoscalerCondition: "type status lastTransitionTime reason message",
  V2HorizontalPodAutoscalerSpec: "scaleTargetRef minReplicas? maxReplicas metrics behavior",
  V2HorizontalPodAutoscalerStatus:
    "observedGeneration? lastScaleTime currentReplicas desiredReplicas currentMetrics conditions",
  V2MetricIdentifier: "name selector",
  V2MetricSpec: "type object pods resource external containerResource=7",
  V2MetricStatus: "type object pods resource external containerResource=7",
  V2MetricTarget: "type value averageValue averageUtilization?",
  V2MetricValueStatus: "value averageValue averageUtilization?",
  V2ObjectMetricSource: "describedObject target metric",
  V2ObjectMetricStatus: "metric current describedObject",
  V2PodsMetricSource: "metric target",
  V2PodsMetricStatus: "metric current",
  V2ResourceMetricSource: "name target",
  V2ResourceMetricStatus: "name current",

  // batch/v1
  V1CronJob: "metadata spec status",
  V1CronJobSpec:
    "schedule startingDeadlineSeconds? concurrencyPolicy suspend? jobTemplate successfulJobsHistoryLimit? " +
    "failedJobsHistoryLimit? timeZone?",
  V1CronJobStatus: "active lastScheduleTime=4 lastSuccessfulTime",
  V1Job: "metadata spec status",
  V1JobCondition: "type status lastProbeTime lastTransitionTime reason message",
  V1JobSpec:
    "parallelism? completions? activeDeadlineSeconds? selector manualSelector? template backoffLimit? " +
    "ttlSecondsAfterFinished? completionMode? suspend? podFailurePolicy backoffLimitPerIndex? maxFailedIndexes? " +
    "podReplacementPolicy? managedBy? successPolicy",
  V1JobStatus:
    "conditions startTime completionTime active succeeded failed completedIndexes uncountedTerminatedPods ready? " +
    "failedIndexes? terminating?",
  V1JobTemplateSpec: "metadata spec",
  V1PodFailurePolicy: "rules",
  V1PodFailurePolicyOnExitCodesRequirement: "containerName? operator values",
  V1PodFailurePolicyOnPodConditionsPattern: "type status",
  V1PodFailurePolicyRule: "action onExitCodes onPodConditions",
  V1SuccessPolicy: "rules",
  V1SuccessPolicyRule: "succeededIndexes? succeededCount?",
  V1UncountedTerminatedPods: "succeeded failed",

  // policy/v1
  V1Eviction: "metadata deleteOptions",
  V1PodDisruptionBudget: "metadata spec status",
  V1PodDisruptionBudgetSpec: "minAvailable selector maxUnavailable unhealthyPodEvictionPolicy?",
  V1PodDisruptionBudgetStatus:
    "observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods conditions",
} as const satisfies Readonly<Record<string, string>>;
