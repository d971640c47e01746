/** ClusterRoles for people and for what asks on their behalf (upstream's bootstrappolicy/policy.go, v1.34). */
import { allow, allowPaths, read, readWrite, write, type PolicyRole } from "./rule.ts";

const aggregateTo = (role: string) => `rbac.authorization.k8s.io/aggregate-to-${role}`;
const labelled = (role: string) => ({ labels: { [aggregateTo(role)]: "true" } });
const signers = "certificates.k8s.io";

export const userRoles: readonly PolicyRole[] = [
  { name: "cluster-admin", rules: [allow("*", "*", "*"), allowPaths("*", "*")] },
  { name: "admin", aggregates: aggregateTo("admin"), rules: [] },
  { name: "edit", aggregates: aggregateTo("edit"), ...labelled("admin"), rules: [] },
  { name: "view", aggregates: aggregateTo("view"), ...labelled("edit"), rules: [] },
  {
    name: "system:aggregate-to-admin",
    ...labelled("admin"),
    rules: [
      allow("create", "authorization.k8s.io", "localsubjectaccessreviews"),
      allow(readWrite, "rbac.authorization.k8s.io", "rolebindings roles"),
    ],
  },
  {
    name: "system:aggregate-to-edit",
    ...labelled("edit"),
    rules: [
      allow(read, "core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
      allow("impersonate", "core", "serviceaccounts"),
      allow(write, "core", "pods pods/attach pods/exec pods/portforward pods/proxy"),
      allow("create", "core", "pods/eviction"),
      allow(
        write,
        "core",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy",
      ),
      allow("create", "core", "serviceaccounts/token"),
      allow(
        write,
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
      ),
      allow(write, "autoscaling", "horizontalpodautoscalers"),
      allow(write, "batch", "cronjobs jobs"),
      allow(
        write,
        "extensions",
        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale",
      ),
      allow(write, "policy", "poddisruptionbudgets"),
      allow(write, "networking.k8s.io", "ingresses networkpolicies"),
      allow(readWrite, "coordination.k8s.io", "leases"),
    ],
  },
  {
    name: "system:aggregate-to-view",
    ...labelled("view"),
    rules: [
      allow(
        read,
        "core",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
      ),
      allow(
        read,
        "core",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status",
      ),
      allow(read, "core", "namespaces"),
      allow(read, "discovery.k8s.io", "endpointslices"),
      allow(
        read,
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
      ),
      allow(read, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
      allow(read, "batch", "cronjobs cronjobs/status jobs jobs/status"),
      allow(
        read,
        "extensions",
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
      ),
      allow(read, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
      allow(read, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
    ],
  },
  {
    name: "system:auth-delegator",
    rules: [
      allow("create", "authentication.k8s.io", "tokenreviews"),
      allow("create", "authorization.k8s.io", "subjectaccessreviews"),
    ],
  },
  {
    name: "system:basic-user",
    rules: [
      allow("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
      allow("create", "authentication.k8s.io", "selfsubjectreviews"),
    ],
  },
  ...["nodeclient", "selfnodeclient"].map((kind) => ({
    name: `system:certificates.k8s.io:certificatesigningrequests:${kind}`,
    rules: [allow("create", signers, `certificatesigningrequests/${kind}`)],
  })),
  ...["kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving", "legacy-unknown"].map((signer) => ({
    name: `system:certificates.k8s.io:${signer}-approver`,
    rules: [allow("approve", signers, "signers", `kubernetes.io/${signer}`)],
  })),
  {
    name: "system:discovery",
    rules: [
      allowPaths("get", "/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/"),
    ],
  },
  {
    name: "system:monitoring",
    rules: [allowPaths("get", "/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*")],
  },
  {
    name: "system:public-info-viewer",
    rules: [allowPaths("get", "/healthz /livez /readyz /version /version/")],
  },
  {
    name: "system:service-account-issuer-discovery",
    rules: [
      allowPaths(
        "get",
        "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
      ),
    ],
  },
];
