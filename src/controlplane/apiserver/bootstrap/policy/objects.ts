/** The default policy as objects of the API. Pure. */
import type { PolicyRule } from "../../auth/rbac/rules.ts";
import type { ApiObject } from "../../resources/resource.ts";
import { clusterBindings, namespacedBindings, type PolicyBinding, type PolicySubject } from "./bindings.ts";
import { componentRoles } from "./component_roles.ts";
import { controllerRoles } from "./controller_roles.ts";
import { namespacedRoles } from "./namespaced_roles.ts";
import type { PolicyRole } from "./rule.ts";
import { userRoles } from "./user_roles.ts";

const group = "rbac.authorization.k8s.io";
const apiVersion = `${group}/v1`;
/** "false" on an object keeps it as an operator has made it. */
export const autoUpdateAnnotation = "rbac.authorization.kubernetes.io/autoupdate";

export const clusterRoles: readonly PolicyRole[] = [...userRoles, ...componentRoles, ...controllerRoles];

/** Every object of the default policy, roles before the bindings that name them. */
export function policyObjects(): ApiObject[] {
  return [
    ...clusterRoles.map((role) => roleObject("ClusterRole", role)),
    ...namespacedRoles.map((role) => roleObject("Role", role, role.namespace)),
    ...clusterBindings.map((binding) => bindingObject("ClusterRoleBinding", binding)),
    ...namespacedBindings.map((binding) => bindingObject("RoleBinding", binding, binding.namespace)),
  ];
}

function roleObject(kind: "ClusterRole" | "Role", role: PolicyRole, namespace?: string): ApiObject {
  const { aggregates } = role;
  return {
    kind,
    apiVersion,
    metadata: metadataOf(role.name, namespace, role.labels),
    ...(aggregates === undefined
      ? {}
      : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregates]: "true" } }] } }),
    rules: aggregates === undefined ? role.rules : aggregated(aggregates),
  };
}

/** The rules that a role takes in, through those that take in others themselves; each once. */
function aggregated(label: string): readonly PolicyRule[] {
  const rules = clusterRoles
    .filter(({ labels }) => labels?.[label] === "true")
    .flatMap((role) => (role.aggregates === undefined ? role.rules : aggregated(role.aggregates)));
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

function bindingObject(
  kind: "ClusterRoleBinding" | "RoleBinding",
  { name, role, subjects }: PolicyBinding,
  namespace?: string,
): ApiObject {
  const roleKind = kind === "RoleBinding" ? "Role" : "ClusterRole";
  return {
    kind,
    apiVersion,
    metadata: metadataOf(name, namespace),
    roleRef: { apiGroup: group, kind: roleKind, name: role ?? name },
    ...(subjects.length === 0 ? {} : { subjects: subjects.map(subjectObject) }),
  };
}

function subjectObject({ kind, name }: PolicySubject): object {
  return kind === "ServiceAccount" ? { kind, name, namespace: "kube-system" } : { apiGroup: group, kind, name };
}

function metadataOf(name: string, namespace?: string, labels: Readonly<Record<string, string>> = {}) {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
    annotations: { [autoUpdateAnnotation]: "true" },
  };
}
