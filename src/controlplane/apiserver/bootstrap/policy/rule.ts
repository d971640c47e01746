/** Writing rules of RBAC in a line each. Pure. */
import type { PolicyRule } from "../../auth/rbac/rules.ts";

export interface PolicyRole {
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a role that takes in the rules of others: the label that those carry. */
  readonly aggregates?: string;
}

export const read = "get list watch";
export const write = "create delete deletecollection patch update";
export const readWrite = "create delete deletecollection get list patch update watch";

/**
 * Verbs on resources; several of each stand in one text with spaces between.
 *
 * @param groups "core" is the group without a name
 * @param names the only objects that it is about; default: all
 */
export function allow(verbs: string, groups: string, resources: string, names = ""): PolicyRule {
  return {
    apiGroups: groups.split(" ").map((group) => (group === "core" ? "" : group)),
    ...(names === "" ? {} : { resourceNames: names.split(" ") }),
    resources: resources.split(" "),
    verbs: verbs.split(" "),
  };
}

/** Verbs on paths outside of resources. */
export function allowPaths(verbs: string, paths: string): PolicyRule {
  return { nonResourceURLs: paths.split(" "), verbs: verbs.split(" ") };
}

/** Writing events, which nearly everybody does. */
export const writeEvents: PolicyRule = allow("create patch update", "core events.k8s.io", "events");
