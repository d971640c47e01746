/** Role-based access control: what rules allow, who is bound to them, and what nobody can give away. */
import { describe, expect, it } from "vitest";
import { RbacEscalation } from "../../../../src/controlplane/apiserver/admission/rbac_escalation.ts";
import type { Attributes } from "../../../../src/controlplane/apiserver/auth/authorizer.ts";
import { rbacAuthorizer } from "../../../../src/controlplane/apiserver/auth/rbac/authorizer.ts";
import { RbacIndex } from "../../../../src/controlplane/apiserver/auth/rbac/index.ts";
import {
  compactRules,
  describeRule,
  missingRules,
  ruleAllows,
  type Asked,
  type PolicyRule,
} from "../../../../src/controlplane/apiserver/auth/rbac/rules.ts";
import { allow, allowPaths } from "../../../../src/controlplane/apiserver/bootstrap/policy/rule.ts";
import { builtIn } from "../../../../src/controlplane/apiserver/resources/table.ts";
import { fakeLookup, namespaced, object } from "../../../fixtures/objects.ts";

const group = "rbac.authorization.k8s.io";
const asked = (verb: string, resource: string, rest: Partial<Asked> = {}): Asked => {
  const [plural = "", subresource = ""] = resource.split("/");
  return { verb, group: "", resource: plural, subresource, name: "", ...rest };
};
const path = (verb: string, where: string): Asked => ({ ...asked(verb, ""), path: where });

describe("a rule", () => {
  const cases: [string, PolicyRule, Asked, boolean][] = [
    ["allows what it says", allow("get", "core", "pods"), asked("get", "pods"), true],
    ["allows no other verb", allow("get", "core", "pods"), asked("list", "pods"), false],
    ["allows no other group", allow("get", "apps", "pods"), asked("get", "pods"), false],
    ["allows no subresource by its resource", allow("get", "core", "pods"), asked("get", "pods/log"), false],
    ["allows a subresource by name", allow("get", "core", "pods/log"), asked("get", "pods/log"), true],
    ["allows the subresource of anything", allow("get", "*", "*/scale"), asked("get", "pods/scale"), true],
    ["that says */scale is not about resources", allow("get", "*", "*/scale"), asked("get", "scale"), false],
    ["allows everything", allow("*", "*", "*"), asked("x", "y/z", { group: "g" }), true],
    ["for all resources is not about paths", allow("*", "*", "*"), path("get", "/metrics"), false],
    ["is about its names", allow("get", "core", "pods", "a b"), asked("get", "pods", { name: "b" }), true],
    ["is about no other name", allow("get", "core", "pods", "a"), asked("get", "pods", { name: "b" }), false],
    ["with names is not about collections", allow("list", "core", "pods", "a"), asked("list", "pods"), false],
    ["allows a path", allowPaths("get", "/version"), path("get", "/version"), true],
    ["allows no path below", allowPaths("get", "/version"), path("get", "/version/x"), false],
    ["allows paths below a star", allowPaths("get", "/apis/*"), path("get", "/apis/apps"), true],
    ["allows not the path above a star", allowPaths("get", "/apis/*"), path("get", "/apis"), false],
    ["about a path is not about resources", allowPaths("*", "*"), asked("get", "pods"), false],
  ];
  it.each(cases)("%s", (_what, rule, question, expected) => {
    expect(ruleAllows(rule, question)).toBe(expected);
  });
});

describe("what rules lack of others", () => {
  const cases: [string, PolicyRule[], PolicyRule[], string[]][] = [
    ["nothing", [allow("*", "*", "*")], [allow("get list", "core apps", "pods deployments/scale")], []],
    [
      "a verb",
      [allow("get", "core", "pods")],
      [allow("get list watch", "core", "pods")],
      ['{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}'],
    ],
    [
      "all names, where some are held",
      [allow("get", "core", "pods", "a")],
      [allow("get", "core", "pods")],
      ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
    ],
    [
      "a name",
      [allow("get", "core", "pods", "a")],
      [allow("get", "core", "pods", "a b")],
      ['{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get"]}'],
    ],
    [
      "a path",
      [allowPaths("get", "/a/*")],
      [allowPaths("get", "/a/b /c")],
      ['{NonResourceURLs:["/c"], Verbs:["get"]}'],
    ],
    ["nothing of a star path", [allowPaths("get", "/a/*")], [allowPaths("get", "/a/b/*")], []],
    [
      "nothing by parts of several",
      [allow("get", "core", "a"), allow("get", "core", "b")],
      [allow("get", "core", "a b")],
      [],
    ],
    [
      "all resources, where their scales are held",
      [allow("get", "*", "*/scale")],
      [allow("get", "apps", "deployments/scale")],
      [],
    ],
  ];
  it.each(cases)("%s", (_what, held, wanted, expected) => {
    expect(compactRules(missingRules(held, wanted)).map(describeRule)).toEqual(expected);
  });
});

const binding = (kind: string, name: string, roleKind: string, role: string, subjects: object[], namespace?: string) =>
  object(
    kind,
    name,
    { roleRef: { apiGroup: group, kind: roleKind, name: role }, subjects },
    namespace === undefined ? {} : { namespace },
  );
const subject = (kind: string, name: string, namespace?: string) => ({
  kind,
  name,
  ...(namespace ? { namespace } : {}),
});

function cluster() {
  const lookup = fakeLookup({
    [`${group}/clusterroles`]: [
      object("ClusterRole", "reader", { rules: [allow("get list", "core", "pods")] }),
      object("ClusterRole", "giver", { rules: [allow("create update", group, "roles rolebindings")] }),
      object("ClusterRole", "binder", { rules: [allow("bind", group, "clusterroles", "admin")] }),
      object("ClusterRole", "admin", { rules: [allow("*", "*", "*")] }),
    ],
    [`${group}/roles`]: [namespaced("Role", "writer", { rules: [allow("create", "core", "pods")] })],
    [`${group}/clusterrolebindings`]: [
      binding("ClusterRoleBinding", "readers", "ClusterRole", "reader", [subject("Group", "dev")]),
      binding("ClusterRoleBinding", "giver", "ClusterRole", "giver", [
        subject("User", "giver"),
        subject("User", "binder"),
      ]),
      binding("ClusterRoleBinding", "binder", "ClusterRole", "binder", [subject("User", "binder")]),
      binding("ClusterRoleBinding", "lost", "ClusterRole", "nowhere", [subject("User", "lost")]),
    ],
    [`${group}/rolebindings`]: [
      binding("RoleBinding", "writers", "Role", "writer", [subject("ServiceAccount", "robot")], "ns"),
      binding("RoleBinding", "local-readers", "ClusterRole", "reader", [subject("User", "jane")], "ns"),
    ],
  });
  const index = new RbacIndex(lookup);
  return { lookup, index, authorizer: rbacAuthorizer(index) };
}

const ask = (name: string, groups: string[], verb: string, resource: string, namespace = ""): Attributes => ({
  ...asked(verb, resource),
  user: { name, groups },
  version: "v1",
  namespace,
});

describe("a decision", () => {
  const cases: [string, Attributes, string, string][] = [
    [
      "everywhere by a group",
      ask("x", ["dev"], "get", "pods", "other"),
      "allow",
      'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to Group "dev"',
    ],
    ["not for another group", ask("x", ["ops"], "get", "pods"), "no opinion", ""],
    [
      "in a namespace",
      ask("jane", [], "list", "pods", "ns"),
      "allow",
      'RBAC: allowed by RoleBinding "local-readers/ns" of ClusterRole "reader" to User "jane"',
    ],
    ["not in another one", ask("jane", [], "list", "pods", "other"), "no opinion", ""],
    ["not in all of them", ask("jane", [], "list", "pods"), "no opinion", ""],
    [
      "for an account of the binding's namespace",
      ask("system:serviceaccount:ns:robot", [], "create", "pods", "ns"),
      "allow",
      'RBAC: allowed by RoleBinding "writers/ns" of Role "writer" to ServiceAccount "robot/ns"',
    ],
    ["not for its namesake", ask("system:serviceaccount:other:robot", [], "create", "pods", "ns"), "no opinion", ""],
    [
      "says which role is missing",
      ask("lost", [], "get", "pods"),
      "no opinion",
      'RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found',
    ],
  ];
  it.each(cases)("%s", (_what, question, decision, reason) => {
    expect(cluster().authorizer.authorize(question)).toEqual({ decision, reason });
  });

  it("follows what comes and goes", () => {
    const { lookup, authorizer } = cluster();
    const question = ask("new", [], "get", "pods");
    const made = binding("ClusterRoleBinding", "new", "ClusterRole", "later", [subject("User", "new")]);
    const decide = (): unknown => (authorizer.authorize(question) as { decision: string }).decision;
    lookup.put(`${group}/clusterrolebindings`, made);
    expect(decide()).toBe("no opinion");
    const role = object("ClusterRole", "later", { rules: [allow("get", "core", "pods")] });
    lookup.put(`${group}/clusterroles`, role);
    expect(decide()).toBe("allow");
    lookup.put(`${group}/clusterrolebindings`, { ...made, subjects: [subject("User", "old")] });
    expect(decide()).toBe("no opinion");
    lookup.put(`${group}/clusterrolebindings`, made);
    lookup.remove(`${group}/clusterroles`, role);
    expect(decide()).toBe("no opinion");
  });

  it("costs little beside a thousand other bindings", () => {
    const { lookup, index } = cluster();
    for (let i = 0; i < 1000; i++) {
      lookup.put(
        `${group}/clusterrolebindings`,
        binding("ClusterRoleBinding", `b${i}`, "ClusterRole", "reader", [subject("User", `u${i}`)]),
      );
    }
    expect([...index.grants({ name: "u7", groups: ["dev"] }, "ns")].map(({ source }) => source)).toHaveLength(2);
  });
});

describe("giving what one does not hold", () => {
  const roles = builtIn.find((row) => row.plural === "roles")!;
  const roleBindings = builtIn.find((row) => row.plural === "rolebindings")!;
  const write = async (user: string, groups: string[], what: ReturnType<typeof namespaced>): Promise<string> => {
    const { lookup, index, authorizer } = cluster();
    const plugin = new RbacEscalation(index, authorizer, lookup);
    try {
      await plugin.validate({
        operation: "CREATE",
        resource: what.kind === "Role" ? roles : roleBindings,
        subresource: "",
        namespace: "ns",
        name: what.metadata.name!,
        object: what,
        old: undefined,
        user: { name: user, groups },
        dryRun: false,
        warnings: [],
      });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const role = (...rules: PolicyRule[]) => namespaced("Role", "r", { rules });
  const bind = (kind: string, name: string) =>
    namespaced("RoleBinding", "b", { roleRef: { apiGroup: group, kind, name } });

  it("is refused in upstream's words", async () => {
    expect(
      await write(
        "giver",
        ["dev", "x"],
        role(allow("get list watch", "core", "pods"), allow("get", "apps", "deployments")),
      ),
    ).toBe(
      'roles.rbac.authorization.k8s.io "r" is forbidden: user "giver" (groups=["dev" "x"]) is attempting to grant RBAC permissions not currently held:\n' +
        '{APIGroups:[""], Resources:["pods"], Verbs:["watch"]}\n{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}',
    );
  });

  it.each([
    ["one's own rules", "giver", ["dev"], role(allow("get", "core", "pods")), ""],
    ["anything, by privilege", "root", ["system:masters"], role(allow("*", "*", "*")), ""],
    ["a role that one has", "giver", ["dev"], bind("ClusterRole", "reader"), ""],
    ["a role that one may bind", "binder", [], bind("ClusterRole", "admin"), ""],
    [
      "a role that one has not",
      "giver",
      [],
      bind("ClusterRole", "admin"),
      /not currently held:\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}/,
    ],
    [
      "a role that is not there",
      "giver",
      [],
      bind("Role", "nowhere"),
      'roles.rbac.authorization.k8s.io "nowhere" not found',
    ],
  ])("%s", async (_what, user, groups, what, expected) => {
    const said = await write(user, groups, what);
    if (typeof expected === "string") expect(said).toBe(expected);
    else expect(said).toMatch(expected);
  });
});
