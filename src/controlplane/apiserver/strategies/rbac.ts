/** Roles and their bindings (pkg/apis/rbac). */
import type { RbacV1Subject, V1PolicyRule, V1RoleRef } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateName } from "../validation/common.ts";
import { semanticEqual } from "../../../model/equality.ts";
import { ensurePart, partOf, setDefault, type Json } from "../validation/json.ts";
import { validateSelector, type LabelSelector } from "../validation/labels.ts";
import { dns1123Subdomain, pathSegment } from "../validation/names.ts";

const groupName = "rbac.authorization.k8s.io";

function roleStrategy(isNamespaced: boolean): Strategy {
  const validate = (object: ApiObject) =>
    causesOf((out) => {
      validateRules((object["rules"] ?? []) as Json<V1PolicyRule>[], isNamespaced, out);
      const { clusterRoleSelectors } = partOf<{ clusterRoleSelectors?: LabelSelector[] }>(object, "aggregationRule");
      if (object["aggregationRule"] === undefined) return;
      const path = "aggregationRule.clusterRoleSelectors";
      const selectors = (clusterRoleSelectors ?? []) as LabelSelector[];
      if (selectors.length === 0)
        out.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
      for (const [i, selector] of selectors.entries()) validateSelector(selector, `${path}[${i}]`, out);
    });
  return { validateCreate: validate, validateUpdate: validate };
}

export const role = roleStrategy(true);
export const clusterRole = roleStrategy(false);

function validateRules(rules: readonly Json<V1PolicyRule>[], isNamespaced: boolean, out: Causes): void {
  for (const [i, rule] of rules.entries()) {
    const path = `rules[${i}]`;
    const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs: urls = [] } = rule;
    if (verbs.length === 0) out.required(`${path}.verbs`, "verbs must contain at least one value");
    if (urls.length > 0) {
      const at = `${path}.nonResourceURLs`;
      if (isNamespaced) out.invalid(at, urls, "namespaced rules cannot apply to non-resource URLs");
      if (apiGroups.length + resources.length + resourceNames.length > 0) {
        out.invalid(at, urls, "rules cannot apply to both regular resources and non-resource URLs");
      }
      continue;
    }
    if (apiGroups.length === 0) out.required(`${path}.apiGroups`, "resource rules must supply at least one api group");
    if (resources.length === 0) out.required(`${path}.resources`, "resource rules must supply at least one resource");
  }
}

type Subject = Json<RbacV1Subject>;

/** @param roleKinds what it may refer to */
function bindingStrategy(roleKinds: readonly string[]): Strategy {
  const isNamespaced = roleKinds.includes("Role");
  const validate = (object: ApiObject, out: Causes): void => {
    const { apiGroup, kind, name } = partOf<V1RoleRef>(object, "roleRef");
    if (apiGroup !== groupName) out.notSupported("roleRef.apiGroup", apiGroup ?? "", [groupName]);
    if (!roleKinds.includes(kind ?? "")) out.notSupported("roleRef.kind", kind ?? "", roleKinds);
    validateName(name, "roleRef.name", pathSegment, out);
    for (const [i, subject] of subjectsOf(object).entries())
      validateSubject(subject, isNamespaced, `subjects[${i}]`, out);
  };
  return {
    defaults(object) {
      setDefault(ensurePart<V1RoleRef>(object, "roleRef"), "apiGroup", groupName);
      for (const subject of subjectsOf(object)) {
        if (subject.kind === "User" || subject.kind === "Group") setDefault(subject, "apiGroup", groupName);
      }
    },
    validateCreate: (object) => causesOf((out) => validate(object, out)),
    validateUpdate(object, old) {
      return causesOf((out) => {
        validate(object, out);
        if (!semanticEqual(object["roleRef"], old["roleRef"]))
          out.invalid("roleRef", object["roleRef"], "cannot change roleRef");
      });
    },
  };
}

export const roleBinding = bindingStrategy(["Role", "ClusterRole"]);
export const clusterRoleBinding = bindingStrategy(["ClusterRole"]);

const subjectsOf = (object: ApiObject): Subject[] => (object["subjects"] ?? []) as Subject[];

function validateSubject(
  { kind, name, namespace, apiGroup }: Subject,
  isNamespaced: boolean,
  path: string,
  out: Causes,
): void {
  if (!name) out.required(`${path}.name`);
  switch (kind) {
    case "ServiceAccount":
      if (name) out.invalidEach(`${path}.name`, name, dns1123Subdomain(name));
      if (apiGroup) out.notSupported(`${path}.apiGroup`, apiGroup, [""]);
      if (!isNamespaced && !namespace) out.required(`${path}.namespace`);
      return;
    case "User":
    case "Group":
      if (!name) out.invalid(`${path}.name`, "", `${kind.toLowerCase()} name cannot be empty`);
      if (apiGroup !== groupName) out.notSupported(`${path}.apiGroup`, apiGroup ?? "", [groupName]);
      return;
    default:
      out.notSupported(`${path}.kind`, kind ?? "", ["ServiceAccount", "User", "Group"]);
  }
}
