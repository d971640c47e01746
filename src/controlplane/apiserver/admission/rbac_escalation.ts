/**
 * Nobody gives what he does not have: roles and bindings are written only by who holds what they give
 * (upstream's policybased storage of rbac.authorization.k8s.io).
 */
import { isDeepStrictEqual } from "node:util";
import type { Authorizer } from "../auth/authorizer.ts";
import { privilegedGroup } from "../auth/privileged.ts";
import { rbacGroup, type RbacIndex, type RoleReference } from "../auth/rbac/index.ts";
import { compactRules, describeRule, missingRules, quotedList, type PolicyRule } from "../auth/rbac/rules.ts";
import type { Lookup } from "../auth/lookup.ts";
import { notFound } from "../status.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { refused } from "./refusal.ts";

const roles: readonly string[] = ["roles", "clusterroles"];
const bindings: readonly string[] = ["rolebindings", "clusterrolebindings"];

export class RbacEscalation implements AdmissionPlugin {
  readonly name = "RbacEscalation";
  readonly #index: RbacIndex;
  readonly #authorizer: Authorizer;
  readonly #lookup: Lookup;

  constructor(index: RbacIndex, authorizer: Authorizer, lookup: Lookup) {
    this.#index = index;
    this.#authorizer = authorizer;
    this.#lookup = lookup;
  }

  async validate(request: AdmissionRequest): Promise<void> {
    const { operation, resource, subresource, object, user } = request;
    if (operation === "DELETE" || !object || resource.group !== rbacGroup || subresource !== "") return;
    if (user.groups.includes(privilegedGroup)) return;
    if (roles.includes(resource.plural)) await this.#checkRole(request);
    if (bindings.includes(resource.plural)) await this.#checkBinding(request);
  }

  async #checkRole(request: AdmissionRequest): Promise<void> {
    const { object, old, resource, name } = request;
    const rules = (object!["rules"] ?? []) as PolicyRule[];
    const aggregates = object!["aggregationRule"];
    if (old && isDeepStrictEqual(rules, old["rules"] ?? []) && isDeepStrictEqual(aggregates, old["aggregationRule"]))
      return;
    if (await this.#may(request, "escalate", resource.plural, name)) return;
    // What a role takes in may be anything.
    const everything = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
    if (aggregates !== undefined && !isDeepStrictEqual(aggregates, old?.["aggregationRule"])) {
      const missing = this.#missing(request, [everything, { verbs: ["*"], nonResourceURLs: ["*"] }]);
      if (missing) throw refused(request, `must have cluster-admin privileges to use an aggregationRule: ${missing}`);
    }
    const missing = this.#missing(request, rules);
    if (missing) throw refused(request, missing);
  }

  async #checkBinding(request: AdmissionRequest): Promise<void> {
    const { object, old, namespace } = request;
    const role = object!["roleRef"] as RoleReference;
    const isSame =
      old && isDeepStrictEqual(role, old["roleRef"]) && isDeepStrictEqual(object!["subjects"], old["subjects"]);
    if (isSame) return;
    const plural = role.kind === "Role" ? "roles" : "clusterroles";
    if (await this.#may(request, "bind", plural, role.name)) return;
    const home = request.resource.namespaced ? namespace : "";
    let rules = this.#index.rulesOf(role, home);
    if (!rules) {
      await this.#lookup.fresh(`${rbacGroup}/${plural}`);
      rules = this.#index.rulesOf(role, home);
    }
    if (!rules) throw notFound({ group: rbacGroup, plural, kind: role.kind }, role.name);
    const missing = this.#missing(request, rules);
    if (missing) throw refused(request, missing);
  }

  /** @returns upstream's sentence where the user lacks something of the rules */
  #missing({ user, namespace, resource }: AdmissionRequest, rules: readonly PolicyRule[]): string | undefined {
    const held = this.#index.rulesFor(user, resource.namespaced ? namespace : "");
    const missing = missingRules(held, rules);
    if (missing.length === 0) return undefined;
    const said = [...new Set(compactRules(missing).map(describeRule))].sort();
    return `user "${user.name}" (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${said.join("\n")}`;
  }

  async #may(request: AdmissionRequest, verb: string, resource: string, name: string): Promise<boolean> {
    const { decision } = await this.#authorizer.authorize({
      user: request.user,
      verb,
      group: rbacGroup,
      version: "*",
      resource,
      subresource: "",
      namespace: request.resource.namespaced ? request.namespace : "",
      name,
    });
    return decision === "allow";
  }
}
