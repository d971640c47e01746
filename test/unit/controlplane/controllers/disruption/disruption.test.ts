/** Budgets on the real API server: their status, and what an eviction may do by it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isTooManyRequests } from "../../../../../src/api/status_error.ts";
import { disruptionController } from "../../../../../src/controlplane/controllers/disruption/disruption.ts";
import type { KubeObject, Pod, PodDisruptionBudget } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { customType } from "../../../../fixtures/custom_type.ts";
import { eventually } from "../../../../fixtures/eventually.ts";

const { pods, podDisruptionBudgets, serviceAccounts, replicaSets, deployments, customResourceDefinitions } =
  resourceTypes;
const crews = customType<KubeObject & { spec: { replicas: number } }>("crews", "Crew");
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [disruptionController] });
  const { client } = plane;
  await client.create(serviceAccounts, { metadata: { namespace: "default", name: "default" } });
  await client.create(customResourceDefinitions, {
    metadata: { name: "crews.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "crews", kind: "Crew", singular: "crew", listKind: "CrewList" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          subresources: { scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" } },
        },
      ],
    },
  } as never);
});
afterAll(() => plane.stop());

const key = (name: string) => ({ namespace: "default", name });
async function readyPod(name: string, app: string, owner?: KubeObject): Promise<Pod> {
  const { client } = plane;
  const references = owner
    ? [
        {
          apiVersion: owner.apiVersion,
          kind: owner.kind,
          name: owner.metadata.name,
          uid: owner.metadata.uid,
          controller: true,
        },
      ]
    : [];
  await client.create(pods, {
    metadata: { ...key(name), labels: { app }, ownerReferences: references },
    spec: { nodeName: "n", containers: [{ name: "c", image: "i" }] },
  });
  const body = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };
  return client.patch(pods, key(name), { type: "strategic", body }, { subresource: "status" });
}
const makeBudget = (name: string, app: string, spec: object): Promise<PodDisruptionBudget> =>
  plane.client.create(podDisruptionBudgets, {
    metadata: key(name),
    spec: { selector: { matchLabels: { app } }, ...spec },
  });
const status = async (name: string) => (await plane.client.get(podDisruptionBudgets, key(name))).status;
const counts = (name: string, ...expected: number[]): Promise<unknown> =>
  eventually(`${expected.join("/")} of ${name}`, async () => {
    const now = await status(name);
    const is = [now?.currentHealthy, now?.desiredHealthy, now?.expectedPods, now?.disruptionsAllowed];
    return is.join() === expected.join();
  });
const evict = (name: string) =>
  plane.client.createSubresource(pods, key(name), "eviction", {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: key(name),
  });

describe("a budget", () => {
  it("in plain numbers counts its pods, and an eviction takes one", async () => {
    await makeBudget("plain", "plain", { minAvailable: 1 });
    await counts("plain", 0, 1, 0, 0);
    await readyPod("plain-1", "plain");
    await readyPod("plain-2", "plain");
    await counts("plain", 2, 1, 2, 1);
    expect((await status("plain"))?.conditions?.[0]).toMatchObject({ status: "True", reason: "SufficientPods" });
    await evict("plain-1");
    await counts("plain", 1, 1, 2, 0);
    await expect(evict("plain-2")).rejects.toSatisfy(isTooManyRequests);
    await eventually("no eviction under way", async () => (await status("plain"))?.disruptedPods === undefined);
    expect(plane.events.find(({ reason }) => reason === "NoPods")).toMatchObject({
      source: "controllermanager",
      type: "Normal",
      message: "No matching pods found",
    });
  });

  it("in shares asks what controls its pods: a Deployment, and a custom resource with a scale", async () => {
    const { client } = plane;
    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } };
    const selector = { matchLabels: { app: "web" } };
    const web = await client.create(deployments, { metadata: key("web"), spec: { replicas: 4, selector, template } });
    const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: web.metadata.uid, controller: true };
    const set = await client.create(replicaSets, {
      metadata: { ...key("web-1"), ownerReferences: [owner] },
      spec: { replicas: 2, selector, template },
    });
    for (const name of ["web-a", "web-b", "web-c"]) await readyPod(name, "web", set);
    await makeBudget("web", "web", { maxUnavailable: "50%" });
    await counts("web", 3, 2, 4, 1);

    await eventually("the definition", () =>
      client.list(crews).then(
        () => true,
        () => false,
      ),
    );
    const crew = await client.create(crews, { metadata: key("crew"), spec: { replicas: 10 } });
    await readyPod("crew-1", "crew", crew);
    await makeBudget("crew", "crew", { minAvailable: "10%" });
    await counts("crew", 1, 1, 10, 0);
  });

  it("of pods whose controller is gone allows nothing", async () => {
    const ghost = { apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name: "ghost", uid: "no-such-uid" } };
    await readyPod("lost", "lost", ghost as KubeObject);
    await makeBudget("lost", "lost", { maxUnavailable: 1 });
    const failed = await eventually("the failure", async () => (await status("lost"))?.conditions?.[0]);
    expect(failed).toMatchObject({
      type: "DisruptionAllowed",
      status: "False",
      reason: "SyncFailed",
      message: 'found no controllers for pod "lost"',
    });
    expect(plane.events.find(({ reason }) => reason === "CalculateExpectedPodCountFailed")).toMatchObject({
      type: "Warning",
      message: 'Failed to calculate the number of expected pods: found no controllers for pod "lost"',
    });
  });

  it("of pods that nobody controls says so", async () => {
    await readyPod("free", "free");
    await makeBudget("free", "free", { maxUnavailable: 1 });
    await counts("free", 1, 0, 0, 0);
    const told = plane.events.find(({ reason }) => reason === "UnmanagedPods");
    expect(told?.message).toContain("(selector: &LabelSelector{MatchLabels:map[string]string{app: free,}");
  });
});
