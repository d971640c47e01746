/** Whether a user may do a thing. Authorizers are asked in turn; the first that decides, decides. */
import type { User } from "../context.ts";
import type { RequestInfo } from "../request/info.ts";

export interface Attributes {
  readonly user: User;
  readonly verb: string;
  /** Empty for paths outside of resources. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Set for requests outside of resources. */
  readonly path?: string;
  /** Of lists, watches and deletions of collections, as they were sent (KEP-4601). */
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface Decision {
  readonly decision: "allow" | "deny" | "no opinion";
  readonly reason: string;
}

/** What a user may do in a namespace, as rules (authorization.k8s.io SubjectRulesReviewStatus). */
export interface RuleList {
  readonly resourceRules: readonly {
    readonly verbs: readonly string[];
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
  }[];
  readonly nonResourceRules: readonly {
    readonly verbs: readonly string[];
    readonly nonResourceURLs: readonly string[];
  }[];
  /** Why there may be more than these. */
  readonly incomplete?: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Promise<Decision> | Decision;
  /** Absent where it has none that can be listed. */
  rulesFor?(user: User, namespace: string): RuleList;
}

/** Those of upstream's that are there; Webhook and ABAC ask somebody else or a file. */
export const authorizationModes = ["AlwaysAllow", "AlwaysDeny", "Node", "RBAC"] as const;
export type AuthorizationMode = (typeof authorizationModes)[number];

/** Says the same to everything, as upstream's AlwaysAllow and AlwaysDeny. */
export function always(decision: Decision["decision"], reason: string): Authorizer {
  const allow = decision === "allow";
  const rules: RuleList = {
    resourceRules: allow ? [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] : [],
    nonResourceRules: allow ? [{ verbs: ["*"], nonResourceURLs: ["*"] }] : [],
  };
  return { authorize: () => ({ decision, reason }), rulesFor: () => rules };
}

/** Asks one after another; where none decides, nothing is allowed. */
export function union(...authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(attributes) {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(attributes);
        if (decision.decision !== "no opinion") return decision;
        if (decision.reason !== "") reasons.push(decision.reason);
      }
      return { decision: "no opinion", reason: reasons.join("; ") };
    },
    rulesFor(user, namespace) {
      const lists = authorizers.flatMap((authorizer) => authorizer.rulesFor?.(user, namespace) ?? []);
      const incomplete = lists.flatMap((list) => list.incomplete ?? []).join(", ");
      return {
        resourceRules: lists.flatMap((list) => list.resourceRules),
        nonResourceRules: lists.flatMap((list) => list.nonResourceRules),
        ...(incomplete === "" ? {} : { incomplete }),
      };
    },
  };
}

const collectionVerbs: readonly string[] = ["list", "watch", "deletecollection"];

/** What is asked of the authorizers for a request. */
export function attributesOf(info: RequestInfo, user: User, query = new URLSearchParams()): Attributes {
  const { group, version, resource, subresource, namespace } = info;
  const verb = info.verb.startsWith("http:") ? info.verb.slice("http:".length) : info.verb;
  const selectors = info.isResource && collectionVerbs.includes(verb) ? selectorsOf(query) : {};
  return {
    user,
    verb: info.isResource ? verb : verb === "head" ? "get" : verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name: info.name === "" ? nameIn(selectors.fieldSelector) : info.name,
    ...selectors,
    ...(info.isResource ? {} : { path: info.path }),
  };
}

function selectorsOf(query: URLSearchParams): Pick<Attributes, "fieldSelector" | "labelSelector"> {
  const fieldSelector = query.get("fieldSelector");
  const labelSelector = query.get("labelSelector");
  return { ...(fieldSelector ? { fieldSelector } : {}), ...(labelSelector ? { labelSelector } : {}) };
}

/** A list or watch of one object by its name is a read of that object (apiserver's RequestInfo). */
function nameIn(fieldSelector = ""): string {
  return selectedValue(fieldSelector, "metadata.name") ?? "";
}

/** The value that a field selector requires of a field; undefined where it requires none. */
export function selectedValue(fieldSelector: string, field: string): string | undefined {
  for (const term of fieldSelector.split(",")) {
    const [, name, value] = /^\s*([^=!\s]+)\s*==?\s*(.*?)\s*$/.exec(term) ?? [];
    if (name === field) return value;
  }
  return undefined;
}
