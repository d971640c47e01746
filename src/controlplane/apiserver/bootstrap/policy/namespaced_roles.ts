/** Roles in kube-system and kube-public (upstream's bootstrappolicy/namespace_policy.go, v1.34). */
import { allow, read, writeEvents, type PolicyRole } from "./rule.ts";

export interface NamespacedRole extends PolicyRole {
  readonly namespace: string;
}

const leaderLocking = [
  allow("create get list update watch", "coordination.k8s.io", "leases"),
  allow("create get list update watch", "coordination.k8s.io", "leasecandidates"),
];

export const namespacedRoles: readonly NamespacedRole[] = [
  {
    namespace: "kube-public",
    name: "system:controller:bootstrap-signer",
    rules: [allow(read, "core", "configmaps"), allow("update", "core", "configmaps", "cluster-info"), writeEvents],
  },
  {
    namespace: "kube-system",
    name: "extension-apiserver-authentication-reader",
    rules: [allow(read, "core", "configmaps", "extension-apiserver-authentication")],
  },
  { namespace: "kube-system", name: "system::leader-locking-kube-controller-manager", rules: leaderLocking },
  { namespace: "kube-system", name: "system::leader-locking-kube-scheduler", rules: leaderLocking },
  {
    namespace: "kube-system",
    name: "system:controller:bootstrap-signer",
    rules: [allow(read, "core", "secrets")],
  },
  {
    namespace: "kube-system",
    name: "system:controller:cloud-provider",
    rules: [allow("create get list watch", "core", "configmaps")],
  },
  {
    namespace: "kube-system",
    name: "system:controller:token-cleaner",
    rules: [allow("delete get list watch", "core", "secrets"), writeEvents],
  },
];
