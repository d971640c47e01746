/** Who has the default roles (upstream's ClusterRoleBindings and namespaceRoleBindings, v1.34). */
import { controllerNames } from "./controller_roles.ts";

export interface PolicySubject {
  readonly kind: "User" | "Group" | "ServiceAccount";
  readonly name: string;
}

export interface PolicyBinding {
  readonly name: string;
  /** Name of the role, where it is another than the binding's. */
  readonly role?: string;
  /** Accounts are those of kube-system. */
  readonly subjects: readonly PolicySubject[];
}

export interface NamespacedBinding extends PolicyBinding {
  readonly namespace: string;
}

const group = (name: string): PolicySubject => ({ kind: "Group", name });
const user = (name: string): PolicySubject => ({ kind: "User", name });
const account = (name: string): PolicySubject => ({ kind: "ServiceAccount", name });

const authenticated = group("system:authenticated");
const scheduler = user("system:kube-scheduler");
const controllerManager = user("system:kube-controller-manager");

export const clusterBindings: readonly PolicyBinding[] = [
  { name: "cluster-admin", subjects: [group("system:masters")] },
  { name: "system:monitoring", subjects: [group("system:monitoring")] },
  { name: "system:discovery", subjects: [authenticated] },
  { name: "system:basic-user", subjects: [authenticated] },
  { name: "system:public-info-viewer", subjects: [authenticated, group("system:unauthenticated")] },
  { name: "system:node-proxier", subjects: [user("system:kube-proxy")] },
  { name: "system:kube-controller-manager", subjects: [controllerManager] },
  { name: "system:kube-dns", subjects: [account("kube-dns")] },
  { name: "system:kube-scheduler", subjects: [scheduler] },
  { name: "system:volume-scheduler", subjects: [scheduler] },
  // Nodes have what the Node authorizer gives them, not the whole role.
  { name: "system:node", subjects: [] },
  { name: "system:service-account-issuer-discovery", subjects: [group("system:serviceaccounts")] },
  ...controllerNames.map((name) => ({ name: `system:controller:${name}`, subjects: [account(name)] })),
];

export const namespacedBindings: readonly NamespacedBinding[] = [
  { namespace: "kube-public", name: "system:controller:bootstrap-signer", subjects: [account("bootstrap-signer")] },
  {
    namespace: "kube-system",
    name: "system::extension-apiserver-authentication-reader",
    role: "extension-apiserver-authentication-reader",
    subjects: [controllerManager, scheduler],
  },
  {
    namespace: "kube-system",
    name: "system::leader-locking-kube-controller-manager",
    subjects: [controllerManager, account("kube-controller-manager"), account("leader-election-controller")],
  },
  {
    namespace: "kube-system",
    name: "system::leader-locking-kube-scheduler",
    subjects: [scheduler, account("kube-scheduler")],
  },
  { namespace: "kube-system", name: "system:controller:bootstrap-signer", subjects: [account("bootstrap-signer")] },
  { namespace: "kube-system", name: "system:controller:cloud-provider", subjects: [account("cloud-provider")] },
  { namespace: "kube-system", name: "system:controller:token-cleaner", subjects: [account("token-cleaner")] },
];
