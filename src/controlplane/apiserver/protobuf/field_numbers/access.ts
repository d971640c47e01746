/** Field numbers of k8s.io/api: authentication/v1, authorization/v1, certificates/v1, rbac/v1. */

export const access = {
  // authentication/v1
  V1BoundObjectReference: "kind apiVersion name uid",
  V1SelfSubjectReview: "metadata status",
  V1SelfSubjectReviewStatus: "userInfo",
  AuthenticationV1TokenRequest: "metadata spec status",
  V1TokenRequestSpec: "audiences boundObjectRef=3 expirationSeconds?",
  V1TokenRequestStatus: "token expirationTimestamp",
  V1TokenReview: "metadata spec status",
  V1TokenReviewSpec: "token audiences",
  V1TokenReviewStatus: "authenticated user error audiences",
  V1UserInfo: "username uid groups extra",

  // authorization/v1
  V1FieldSelectorAttributes: "rawSelector requirements",
  V1LabelSelectorAttributes: "rawSelector requirements",
  V1LocalSubjectAccessReview: "metadata spec status",
  V1NonResourceAttributes: "path verb",
  V1NonResourceRule: "verbs nonResourceURLs",
  V1ResourceAttributes: "namespace verb group version resource subresource name fieldSelector labelSelector",
  V1ResourceRule: "verbs apiGroups resources resourceNames",
  V1SelfSubjectAccessReview: "metadata spec status",
  V1SelfSubjectAccessReviewSpec: "resourceAttributes nonResourceAttributes",
  V1SelfSubjectRulesReview: "metadata spec status",
  V1SelfSubjectRulesReviewSpec: "namespace",
  V1SubjectAccessReview: "metadata spec status",
  V1SubjectAccessReviewSpec: "resourceAttributes nonResourceAttributes user groups extra uid",
  V1SubjectAccessReviewStatus: "allowed reason evaluationError denied",
  V1SubjectRulesReviewStatus: "resourceRules nonResourceRules incomplete evaluationError",

  // certificates/v1
  V1CertificateSigningRequest: "metadata spec status",
  V1CertificateSigningRequestCondition: "type reason message lastUpdateTime lastTransitionTime status",
  V1CertificateSigningRequestSpec: "request username uid groups usages extra signerName expirationSeconds?",
  V1CertificateSigningRequestStatus: "conditions certificate",

  // rbac/v1
  V1AggregationRule: "clusterRoleSelectors",
  V1ClusterRole: "metadata rules aggregationRule",
  V1ClusterRoleBinding: "metadata subjects roleRef",
  V1PolicyRule: "verbs apiGroups resources resourceNames nonResourceURLs",
  V1Role: "metadata rules",
  V1RoleBinding: "metadata subjects roleRef",
  V1RoleRef: "apiGroup kind name",
  RbacV1Subject: "kind apiGroup name namespace",
} as const satisfies Readonly<Record<string, string>>;
