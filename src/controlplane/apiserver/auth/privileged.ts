/** system:masters may do everything, whatever the policy says: nobody can lock everybody out. */
import type { Authorizer } from "./authorizer.ts";

export const privilegedGroup = "system:masters";
const everything = ["*"];

export const privilegedAuthorizer: Authorizer = {
  authorize({ user }) {
    const isPrivileged = user.groups.includes(privilegedGroup);
    return { decision: isPrivileged ? "allow" : "no opinion", reason: "" };
  },
  rulesFor({ groups }) {
    if (!groups.includes(privilegedGroup)) return { resourceRules: [], nonResourceRules: [] };
    return {
      resourceRules: [{ verbs: everything, apiGroups: everything, resources: everything }],
      nonResourceRules: [{ verbs: everything, nonResourceURLs: everything }],
    };
  },
};
