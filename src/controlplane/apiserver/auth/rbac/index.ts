/**
 * Who is bound to which rules, by subject: a decision looks at the bindings of the user and its
 * groups alone, however many others there are.
 */
import type { ApiObject } from "../../resources/resource.ts";
import type { User } from "../../context.ts";
import type { Follower, Lookup } from "../lookup.ts";
import { serviceAccountUser } from "../tokens/claims.ts";
import type { PolicyRule } from "./rules.ts";

export const rbacGroup = "rbac.authorization.k8s.io";

export interface RoleReference {
  readonly kind: "Role" | "ClusterRole";
  readonly name: string;
}

/** A binding that applies to a user, with the rules that it gives. */
export interface Grant {
  /** The role's rules; undefined where there is no such role. */
  readonly rules: readonly PolicyRule[] | undefined;
  readonly role: RoleReference;
  /** What gives it, for the reason of a decision: `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"`. */
  readonly source: string;
}

interface Binding {
  readonly name: string;
  readonly role: RoleReference;
  /** The subject that the binding is filed under, for the reason. */
  readonly subject: string;
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** Bindings of one namespace (or of the cluster, "") by subject, `Kind:name`. */
type BySubject = Map<string, Map<string, Binding>>;

export class RbacIndex {
  /** Rules by `namespace/name`; a ClusterRole's namespace is "". */
  readonly #roles = new Map<string, readonly PolicyRule[]>();
  readonly #bindings = new Map<string, BySubject>();

  /** Follows the four resources from now on. */
  constructor(lookup: Lookup) {
    lookup.follow(`${rbacGroup}/clusterroles`, this.#roleFollower("ClusterRole"));
    lookup.follow(`${rbacGroup}/roles`, this.#roleFollower("Role"));
    lookup.follow(`${rbacGroup}/clusterrolebindings`, this.#bindingFollower("ClusterRoleBinding"));
    lookup.follow(`${rbacGroup}/rolebindings`, this.#bindingFollower("RoleBinding"));
  }

  /** The grants of a user: everywhere, and in the namespace where one is named. */
  *grants(user: User, namespace: string): Generator<Grant> {
    yield* this.#grantsIn("", user);
    if (namespace !== "") yield* this.#grantsIn(namespace, user);
  }

  /** The rules of a user in a namespace ("" for those that hold everywhere). */
  rulesFor(user: User, namespace: string): PolicyRule[] {
    return [...this.grants(user, namespace)].flatMap(({ rules }) => rules ?? []);
  }

  /** @returns undefined where there is no such role */
  rulesOf({ kind, name }: RoleReference, namespace: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(`${kind === "Role" ? namespace : ""}/${name}`);
  }

  *#grantsIn(namespace: string, user: User): Generator<Grant> {
    const bySubject = this.#bindings.get(namespace);
    if (!bySubject) return;
    const seen = new Set<string>();
    for (const subject of [`User:${user.name}`, ...user.groups.map((group) => `Group:${group}`)]) {
      for (const binding of bySubject.get(subject)?.values() ?? []) {
        if (seen.has(binding.name)) continue;
        seen.add(binding.name);
        yield this.#grant(namespace, binding);
      }
    }
  }

  #grant(namespace: string, { name, role, subject }: Binding): Grant {
    const kind = namespace === "" ? "ClusterRoleBinding" : "RoleBinding";
    const named = namespace === "" ? name : `${name}/${namespace}`;
    return {
      rules: this.rulesOf(role, namespace),
      role,
      source: `${kind} "${named}" of ${role.kind} "${role.name}" to ${subject}`,
    };
  }

  #roleFollower(kind: "Role" | "ClusterRole"): Follower {
    const keyOf = ({ metadata }: ApiObject): string => `${metadata.namespace ?? ""}/${metadata.name!}`;
    return {
      put: (role) => void this.#roles.set(keyOf(role), (role["rules"] as PolicyRule[] | undefined) ?? []),
      remove: (role) => void this.#roles.delete(keyOf(role)),
      reset: () => {
        for (const key of this.#roles.keys())
          if (key.startsWith("/") === (kind === "ClusterRole")) this.#roles.delete(key);
      },
    };
  }

  #bindingFollower(kind: "RoleBinding" | "ClusterRoleBinding"): Follower {
    return {
      put: (binding) => this.#file(binding),
      remove: (binding) => this.#unfile(binding),
      reset: () => {
        for (const namespace of this.#bindings.keys()) {
          if ((namespace === "") === (kind === "ClusterRoleBinding")) this.#bindings.delete(namespace);
        }
      },
    };
  }

  #file(object: ApiObject): void {
    const { namespace = "", name = "" } = object.metadata;
    const bySubject = this.#bindings.get(namespace) ?? new Map<string, Map<string, Binding>>();
    this.#bindings.set(namespace, bySubject);
    for (const subject of subjectsOf(object)) {
      const key = keyOfSubject(subject, namespace);
      if (key === undefined) continue;
      const filed = bySubject.get(key) ?? new Map<string, Binding>();
      bySubject.set(key, filed);
      filed.set(name, { name, role: object["roleRef"] as RoleReference, subject: describe(subject, namespace) });
    }
  }

  #unfile(object: ApiObject): void {
    const { namespace = "", name = "" } = object.metadata;
    const bySubject = this.#bindings.get(namespace);
    for (const subject of subjectsOf(object)) {
      const key = keyOfSubject(subject, namespace);
      const filed = key === undefined ? undefined : bySubject?.get(key);
      filed?.delete(name);
      if (filed?.size === 0) bySubject!.delete(key!);
    }
    if (bySubject?.size === 0) this.#bindings.delete(namespace);
  }
}

function subjectsOf(binding: ApiObject): readonly Subject[] {
  return (binding["subjects"] as Subject[] | undefined) ?? [];
}

/** Service accounts are users by another name. @returns undefined for a subject that is nobody */
function keyOfSubject({ kind, name, namespace }: Subject, bindingNamespace: string): string | undefined {
  if (kind === "User" || kind === "Group") return `${kind}:${name}`;
  if (kind !== "ServiceAccount") return undefined;
  const own = namespace ? namespace : bindingNamespace;
  return own === "" ? undefined : `User:${serviceAccountUser(own, name)}`;
}

function describe({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  if (kind !== "ServiceAccount") return `${kind} "${name}"`;
  return `${kind} "${name}/${namespace ? namespace : bindingNamespace}"`;
}
