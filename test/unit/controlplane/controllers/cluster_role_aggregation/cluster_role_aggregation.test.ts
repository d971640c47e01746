/** ClusterRoles that are made of others. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { clusterRoleAggregationController } from "../../../../../src/controlplane/controllers/cluster_role_aggregation/cluster_role_aggregation.ts";
import { aggregated } from "../../../../../src/controlplane/controllers/cluster_role_aggregation/plan.ts";
import type { ClusterRole } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";

const { clusterRoles } = resourceTypes;
const rule = (verb: string) => ({ apiGroups: [""], resources: ["pods"], verbs: [verb] });
const role = (
  name: string,
  labels: Record<string, string>,
  verbs: string[],
  selects?: Record<string, string>[],
): ClusterRole =>
  ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name, labels },
    rules: verbs.map(rule),
    ...(selects ? { aggregationRule: { clusterRoleSelectors: selects.map((matchLabels) => ({ matchLabels })) } } : {}),
  }) as unknown as ClusterRole;

describe("aggregated", () => {
  const a = role("a", { to: "x" }, ["get"]);
  const b = role("b", { to: "x", also: "y" }, ["list", "get"]);
  const whole = (verbs: string[], ...selects: Record<string, string>[]) => role("whole", { to: "x" }, verbs, selects);
  it.each<[string, ClusterRole, string[] | undefined]>([
    ["in the order of names, each rule once", whole([], { to: "x" }), ["get", "list"]],
    ["selector by selector", whole([], { also: "y" }, { to: "x" }), ["list", "get"]],
    ["as it is", whole(["get", "list"], { to: "x" }), undefined],
    ["what is no part any more goes", whole(["get"], { to: "z" }), []],
  ])("%s", (_, given, expected) => {
    expect(aggregated(given, [given, b, a])?.map(({ verbs }) => verbs[0])).toEqual(expected);
  });
});

describe("on the real API server", () => {
  let plane: TestControlPlane;
  beforeAll(async () => {
    plane = await startTestControlPlane({ rows: [clusterRoleAggregationController] });
  });
  afterAll(() => plane.stop());

  it("an aggregated role follows its parts; the built-in ones take a user's", async () => {
    const { client } = plane;
    const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
    const custom = { apiGroups: ["example.com"], resources: ["shells"], verbs: ["get"] };
    await client.create(clusterRoles, { metadata: { name: "shell-viewer", labels }, rules: [custom] });
    const has = async (name: string): Promise<boolean> => {
      const { rules = [] } = await client.get(clusterRoles, { name });
      return rules.some(({ apiGroups }) => apiGroups?.includes("example.com"));
    };
    // view is a part of edit, and edit of admin.
    for (const name of ["view", "edit", "admin"]) await eventually(`the rule in ${name}`, () => has(name));
    await client.delete(clusterRoles, { name: "shell-viewer" });
    for (const name of ["view", "edit", "admin"])
      await eventually(`the rule's end in ${name}`, async () => !(await has(name)));
    expect(plane.complaints).toEqual([]);
  });
});
