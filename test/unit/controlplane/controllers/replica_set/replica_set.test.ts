/** ReplicaSets and ReplicationControllers on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { replicaSetController } from "../../../../../src/controlplane/controllers/replica_set/replica_set.ts";
import { replicationControllerController } from "../../../../../src/controlplane/controllers/replication_controller/replication_controller.ts";
import type { ReplicaSet } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../../../../fixtures/pod_runner.ts";
import { template } from "../../../../fixtures/workloads.ts";

const { replicaSets, replicationControllers, pods, resourceQuotas } = resourceTypes;
let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [replicaSetController, replicationControllerController] });
  const fate = ({ metadata }: { metadata: { labels?: Record<string, string> } }) =>
    metadata.labels?.["fate"] === "wait" ? ("wait" as const) : ("ready" as const);
  runner = await startPodRunner(plane.client, { fate });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

const inDefault = (name: string) => ({ namespace: "default", name });
const labelled = (app: string) => runner.pods().filter(({ metadata }) => metadata.labels?.["app"] === app);
const said = (name: string) => plane.events.filter(({ about }) => about.metadata.name === name);

async function make(name: string, replicas: number, labels: Record<string, string> = {}): Promise<ReplicaSet> {
  const spec = { replicas, selector: { matchLabels: { app: name } }, template: template({ app: name, ...labels }) };
  return plane.client.create(replicaSets, { metadata: inDefault(name), spec });
}

async function scale(name: string, replicas: number): Promise<void> {
  await plane.client.patch(replicaSets, inDefault(name), { type: "merge", body: { spec: { replicas } } });
}

async function available(name: string, count: number): Promise<ReplicaSet> {
  return eventually(`${count} available replicas of ${name}`, async () => {
    const set = await plane.client.get(replicaSets, inDefault(name));
    const { availableReplicas = 0, replicas = 0, observedGeneration } = set.status ?? {};
    return availableReplicas === count && replicas === count && observedGeneration === set.metadata.generation && set;
  });
}

describe("a ReplicaSet", () => {
  it("has as many pods as it wants, of its template", async () => {
    await make("scaled", 3);
    const set = await available("scaled", 3);
    expect(set.status).toMatchObject({ fullyLabeledReplicas: 3, readyReplicas: 3 });
    const [pod] = labelled("scaled");
    expect(pod?.metadata).toMatchObject({ generateName: "scaled-", labels: { app: "scaled" } });
    const { uid } = set.metadata;
    expect(pod?.metadata.ownerReferences).toEqual([
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "scaled", uid, controller: true, blockOwnerDeletion: true },
    ]);
    await scale("scaled", 1);
    await available("scaled", 1);
    await eventually("two pods to be gone", () => labelled("scaled").length === 1);
    await scale("scaled", 2);
    await available("scaled", 2);
    const events = said("scaled");
    expect(events.map(({ reason }) => reason).sort()).toEqual([
      ...Array<string>(4).fill("SuccessfulCreate"),
      "SuccessfulDelete",
      "SuccessfulDelete",
    ]);
    expect(events[0]).toMatchObject({ source: "replicaset-controller", type: "Normal" });
    expect(events[0]!.message).toMatch(/^Created pod: scaled-[a-z0-9]{5}$/);
    expect(events.at(-2)!.message + events.at(-3)!.message).toMatch(/Deleted pod: scaled-/);
  });

  it("makes no pod too many however fast it is asked", async () => {
    await make("hasty", 0);
    for (const replicas of [5, 1, 7, 2, 9, 20]) await scale("hasty", replicas);
    await available("hasty", 20);
    const made = said("hasty").filter(({ reason }) => reason === "SuccessfulCreate").length;
    const deleted = said("hasty").filter(({ reason }) => reason === "SuccessfulDelete").length;
    expect(made - deleted).toBe(20);
  });

  it("takes the place of a pod that failed or was deleted", async () => {
    await make("mended", 2);
    await available("mended", 2);
    const [first, second] = labelled("mended");
    const status = { ...first!.status, phase: "Failed" };
    await plane.client.patch(pods, first!.metadata, { type: "merge", body: { status } }, { subresource: "status" });
    await plane.client.delete(pods, second!.metadata);
    await eventually("two other pods", async () => {
      const names = labelled("mended").map(({ metadata }) => metadata.name);
      return names.length === 3 && !names.includes(second!.metadata.name);
    });
    await available("mended", 2);
    expect(labelled("mended").map(({ metadata }) => metadata.name)).toContain(first!.metadata.name);
  });

  it("adopts what is nobody's and gives back what it does not select any more", async () => {
    const metadata = { ...inDefault("stray"), labels: { app: "adopting" } };
    await plane.client.create(pods, { metadata, spec: template({}).spec });
    const set = await make("adopting", 2);
    await available("adopting", 2);
    const stray = await plane.client.get(pods, inDefault("stray"));
    expect(stray.metadata.ownerReferences).toMatchObject([{ uid: set.metadata.uid, controller: true }]);
    expect(said("adopting")).toHaveLength(1);
    const body = { metadata: { labels: { app: "debugged" } } };
    await plane.client.patch(pods, inDefault("stray"), { type: "merge", body });
    await eventually("the pod to be given back", async () => {
      const { metadata: now } = await plane.client.get(pods, inDefault("stray"));
      return (now.ownerReferences ?? []).length === 0;
    });
    await eventually("another in its place", () => labelled("adopting").length === 2);
  });

  it("waits until a pod has been ready for minReadySeconds", async () => {
    const spec = { replicas: 1, minReadySeconds: 2, selector: { matchLabels: { app: "slow" } } };
    await plane.client.create(replicaSets, {
      metadata: inDefault("slow"),
      spec: { ...spec, template: template({ app: "slow" }) },
    });
    await eventually("the pod to be ready", async () => {
      const { status } = await plane.client.get(replicaSets, inDefault("slow"));
      return status?.readyReplicas === 1;
    });
    const { status } = await plane.client.get(replicaSets, inDefault("slow"));
    expect(status?.availableReplicas ?? 0).toBe(0);
    await available("slow", 1);
  });

  it("says what the server says when pods are refused, and goes on when they are not", async () => {
    await plane.client.create(resourceTypes.namespaces, { metadata: { name: "tight" }, spec: {} });
    const inTight = { namespace: "tight", name: "bound" };
    await plane.client.create(resourceQuotas, { metadata: inTight, spec: { hard: { pods: "0" } }, status: {} });
    await plane.client.create(resourceTypes.serviceAccounts, { metadata: { ...inTight, name: "default" } });
    const spec = { replicas: 2, selector: { matchLabels: { app: "bound" } }, template: template({ app: "bound" }) };
    await plane.client.create(replicaSets, { metadata: inTight, spec });
    const failed = await eventually("the failure in the status", async () => {
      const { status } = await plane.client.get(replicaSets, inTight);
      return status?.conditions?.find(({ type }) => type === "ReplicaFailure");
    });
    expect(failed).toMatchObject({ status: "True", reason: "FailedCreate" });
    expect(failed.message).toMatch(/^pods "bound-.*" is forbidden: /);
    expect(said("bound")[0]).toMatchObject({ type: "Warning", reason: "FailedCreate" });
    expect(said("bound")[0]!.message).toMatch(/^Error creating: pods "bound-.*" is forbidden: /);
    await plane.client.delete(resourceQuotas, inTight);
    await eventually("two pods and no failure", async () => {
      const { status } = await plane.client.get(replicaSets, inTight);
      return status?.replicas === 2 && (status.conditions ?? []).length === 0;
    });
  });
});

describe("a ReplicationController", () => {
  it("does the same with a selector of labels alone", async () => {
    const spec = { replicas: 2, selector: { app: "old" }, template: template({ app: "old" }) };
    await plane.client.create(replicationControllers, { metadata: inDefault("old"), spec });
    await eventually("two available replicas", async () => {
      const { status } = await plane.client.get(replicationControllers, inDefault("old"));
      return status?.availableReplicas === 2;
    });
    const body = { spec: { replicas: 0 } };
    await plane.client.patch(replicationControllers, inDefault("old"), { type: "merge", body });
    await eventually("none", () => labelled("old").length === 0);
    expect(said("old").map(({ source }) => source)).toContain("replication-controller");
  });
});
