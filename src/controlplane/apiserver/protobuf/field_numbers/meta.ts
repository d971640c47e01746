/** Field numbers of k8s.io/apimachinery/pkg/apis/meta/v1: what every object has, and the options of requests. */

export const meta = {
  V1Condition: "type status observedGeneration lastTransitionTime reason message",
  V1DeleteOptions:
    "gracePeriodSeconds? preconditions orphanDependents? propagationPolicy? dryRun " +
    "ignoreStoreReadErrorWithClusterBreakingPotential?",
  V1FieldSelectorRequirement: "key operator values",
  V1LabelSelector: "matchLabels matchExpressions",
  V1LabelSelectorRequirement: "key operator values",
  V1ListMeta: "selfLink resourceVersion continue remainingItemCount?",
  V1ManagedFieldsEntry: "manager operation apiVersion time fieldsType=6 fieldsV1 subresource",
  V1ObjectMeta:
    "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp " +
    "deletionGracePeriodSeconds? labels annotations ownerReferences finalizers managedFields=17",
  V1OwnerReference: "kind name=3 uid apiVersion controller? blockOwnerDeletion?",
  V1Preconditions: "uid? resourceVersion?",
  V1Status: "metadata status message reason details code",
  V1StatusCause: "reason message field",
  V1StatusDetails: "name group kind causes retryAfterSeconds uid",
} as const satisfies Readonly<Record<string, string>>;
