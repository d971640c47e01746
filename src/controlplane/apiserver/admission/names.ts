/** Names of the plug-ins that an operator can turn off (--disable-admission-plugins): upstream's, of those that are there. */
export const admissionPluginNames: readonly string[] = [
  "CertificateApproval",
  "CertificateSigning",
  "CertificateSubjectRestriction",
  "DefaultIngressClass",
  "DefaultStorageClass",
  "DefaultTolerationSeconds",
  "LimitRanger",
  "NamespaceLifecycle",
  "NodeRestriction",
  "PersistentVolumeClaimResize",
  "Priority",
  "ResourceQuota",
  "RuntimeClass",
  "ServiceAccount",
  "StorageObjectInUseProtection",
  "TaintNodesByCondition",
];
