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
}

export interface Decision {
  readonly decision: "allow" | "deny" | "no opinion";
  readonly reason: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Promise<Decision> | Decision;
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
  };
}

/** What is asked of the authorizers for a request. */
export function attributesOf(info: RequestInfo, user: User): Attributes {
  const { group, version, resource, subresource, namespace, name } = info;
  const verb = info.verb.startsWith("http:") ? info.verb.slice("http:".length) : info.verb;
  return {
    user,
    verb: info.isResource ? verb : verb === "head" ? "get" : verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    ...(info.isResource ? {} : { path: info.path }),
  };
}
