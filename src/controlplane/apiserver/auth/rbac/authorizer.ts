/** Role-based access control: what the roles allow that a user is bound to. */
import type { Authorizer, RuleList } from "../authorizer.ts";
import { rbacGroup, type RbacIndex } from "./index.ts";
import { ruleAllows } from "./rules.ts";

export function rbacAuthorizer(index: RbacIndex): Authorizer {
  return {
    authorize(asked) {
      const missing: string[] = [];
      for (const { rules, role, source } of index.grants(asked.user, asked.namespace)) {
        if (!rules) missing.push(`${role.kind.toLowerCase()}.${rbacGroup} "${role.name}" not found`);
        else if (rules.some((rule) => ruleAllows(rule, asked))) {
          return { decision: "allow", reason: `RBAC: allowed by ${source}` };
        }
      }
      const [first, ...others] = missing;
      const reason = first === undefined ? "" : `RBAC: ${others.length === 0 ? first : `[${missing.join(", ")}]`}`;
      return { decision: "no opinion", reason };
    },
    rulesFor(user, namespace): RuleList {
      const rules = index.rulesFor(user, namespace);
      const resourceRules = rules
        .filter((rule) => (rule.resources ?? []).length > 0)
        .map(({ verbs, apiGroups, resources, resourceNames }) => ({
          verbs,
          apiGroups: apiGroups ?? [],
          resources: resources ?? [],
          ...(resourceNames && resourceNames.length > 0 ? { resourceNames } : {}),
        }));
      const nonResourceRules = rules
        .filter((rule) => (rule.nonResourceURLs ?? []).length > 0)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs: nonResourceURLs! }));
      return { resourceRules, nonResourceRules };
    },
  };
}
