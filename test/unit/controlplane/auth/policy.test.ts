/** The default policy: what it holds, and how it is kept beside an operator's changes. */
import { describe, expect, it } from "vitest";
import { missingRules, type PolicyRule } from "../../../../src/controlplane/apiserver/auth/rbac/rules.ts";
import { policyObjects } from "../../../../src/controlplane/apiserver/bootstrap/policy/objects.ts";
import { reconciled } from "../../../../src/controlplane/apiserver/bootstrap/policy/reconcile.ts";
import { allow } from "../../../../src/controlplane/apiserver/bootstrap/policy/rule.ts";

const objects = policyObjects();
const of = (kind: string, name: string) => objects.find((o) => o.kind === kind && o.metadata.name === name)!;
const rulesOf = (name: string) => of("ClusterRole", name)["rules"] as PolicyRule[];

describe("the default policy", () => {
  it("has upstream's roles and bindings", () => {
    const count = (kind: string) => objects.filter((o) => o.kind === kind).length;
    expect(["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"].map(count)).toEqual([69, 50, 7, 7]);
  });

  it("has every name once", () => {
    const names = objects.map((o) => `${o.kind}/${o.metadata.namespace ?? ""}/${o.metadata.name!}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("names a role that is there in each binding", () => {
    const bindings = objects.filter((o) => o.kind.endsWith("Binding"));
    const lost = bindings.filter((o) => {
      const { kind, name } = o["roleRef"] as { kind: string; name: string };
      return !objects.some(
        (r) => r.kind === kind && r.metadata.name === name && r.metadata.namespace === o.metadata.namespace,
      );
    });
    expect(lost).toEqual([]);
  });

  it("holds in admin all of edit, in edit all of view, and no more", () => {
    expect(missingRules(rulesOf("admin"), rulesOf("edit"))).toEqual([]);
    expect(missingRules(rulesOf("edit"), rulesOf("view"))).toEqual([]);
    expect(missingRules(rulesOf("view"), [allow("get", "core", "secrets")])).toHaveLength(1);
    expect(missingRules(rulesOf("edit"), [allow("create", "rbac.authorization.k8s.io", "roles")])).toHaveLength(1);
  });

  it("lets nobody be a node by the role alone", () => {
    expect(of("ClusterRoleBinding", "system:node")["subjects"]).toBeUndefined();
  });
});

describe("what is there already", () => {
  const wanted = of("ClusterRole", "system:node-proxier");
  const binding = of("ClusterRoleBinding", "system:node-proxier");

  it("stays where nothing is missing", () => {
    for (const one of objects) expect(reconciled(one, structuredClone(one))).toBeUndefined();
  });

  it("gets what is missing, and keeps what was added", () => {
    const added = allow("get", "example.com", "things");
    const found = { ...structuredClone(wanted), rules: [...(wanted["rules"] as PolicyRule[]).slice(1), added] };
    const changed = reconciled(wanted, found)!;
    expect(changed["rules"]).toEqual([
      ...found.rules,
      ...["endpoints", "services"].map((r) => allow("list watch", "core", r)),
    ]);
    expect(missingRules(changed["rules"] as PolicyRule[], wanted["rules"] as PolicyRule[])).toEqual([]);
  });

  it("gets a subject back", () => {
    const found = { ...structuredClone(binding), subjects: [{ kind: "User", name: "other" }] };
    expect(reconciled(binding, found)!["subjects"]).toEqual([...found.subjects, ...(binding["subjects"] as object[])]);
  });

  it("is the operator's where the annotation says so", () => {
    const metadata = { ...wanted.metadata, annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } };
    expect(reconciled(wanted, { ...wanted, metadata, rules: [] })).toBeUndefined();
  });
});
