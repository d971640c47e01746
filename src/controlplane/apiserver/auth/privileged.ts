/** system:masters may do everything, whatever the policy says: nobody can lock everybody out. */
import type { Authorizer } from "./authorizer.ts";

export const privilegedGroup = "system:masters";

export const privilegedAuthorizer: Authorizer = {
  authorize({ user }) {
    const isPrivileged = user.groups.includes(privilegedGroup);
    return { decision: isPrivileged ? "allow" : "no opinion", reason: "" };
  },
};
