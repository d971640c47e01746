/** Deployments on the real API server: what kubectl has no verb for. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { deploymentController } from "../../../../../src/controlplane/controllers/deployment/deployment.ts";
import { templateHash } from "../../../../../src/controlplane/controllers/pods/hash.ts";
import { replicaSetController } from "../../../../../src/controlplane/controllers/replica_set/replica_set.ts";
import type { Deployment, ReplicaSet } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../../../../fixtures/pod_runner.ts";
import { template } from "../../../../fixtures/workloads.ts";

const { deployments, replicaSets, namespaces } = resourceTypes;
let plane: TestControlPlane;
let runner: PodRunner;
let lastPods = true;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [deploymentController, replicaSetController] });
  runner = await startPodRunner(plane.client, {
    fate: ({ spec }) => (spec.containers[0]?.image === "broken" ? "running" : "ready"),
    ends: () => lastPods,
  });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

const key = (name: string) => ({ namespace: "default", name });

function make(name: string, spec: Partial<Deployment["spec"]> = {}): Promise<Deployment> {
  const selector = { matchLabels: { app: name } };
  const full = { replicas: 2, selector, template: template({ app: name }), ...spec };
  return plane.client.create(deployments, { metadata: key(name), spec: full });
}

async function setsOf(name: string): Promise<readonly ReplicaSet[]> {
  const { items } = await plane.client.list(replicaSets, { namespace: "default", labelSelector: `app=${name}` });
  return items;
}

function reaches(name: string, what: string, test: (deployment: Deployment) => boolean): Promise<Deployment> {
  return eventually(`${name} ${what}`, async () => {
    const deployment = await plane.client.get(deployments, key(name));
    return deployment.status?.observedGeneration === deployment.metadata.generation && test(deployment) && deployment;
  });
}

const complete = (name: string): Promise<Deployment> =>
  reaches(name, "is complete", ({ spec, status }) =>
    [status?.replicas, status?.updatedReplicas, status?.availableReplicas].every((n) => n === spec.replicas),
  );

const change = (name: string, spec: object) =>
  plane.client.patch(deployments, key(name), { type: "strategic", body: { spec } });
const imageOf = (image: string) => ({ template: { spec: { containers: [{ name: "web", image }] } } });

describe("a deployment", () => {
  it("knows the ReplicaSet that another controller manager made for it by its template", async () => {
    // Upstream's hash is of Go's print of the template: another than ours, and none that could be told from it.
    const selector = { matchLabels: { app: "moved", "pod-template-hash": "5d4f8c7b9" } };
    const metadata = { ...key("moved-5d4f8c7b9"), labels: selector.matchLabels };
    const made = await plane.client.create(replicaSets, {
      metadata: { ...metadata, annotations: { "deployment.kubernetes.io/revision": "4" } },
      spec: { replicas: 2, selector, template: template(selector.matchLabels) },
    });
    await make("moved");
    const deployment = await complete("moved");
    expect(deployment.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("4");
    const sets = await setsOf("moved");
    expect(sets.map(({ metadata: { uid } }) => uid)).toEqual([made.metadata.uid]);
    expect(sets[0]?.metadata.ownerReferences).toMatchObject([{ kind: "Deployment", name: "moved", controller: true }]);
  });

  it("takes another name where its own is taken", async () => {
    // The first name is that of the template as the server completes it: learned from a deployment that waits.
    const { spec } = await make("taken", { paused: true });
    const name = `taken-${templateHash(spec.template, undefined)}`;
    const labels = { app: "other" };
    await plane.client.create(replicaSets, {
      metadata: key(name),
      spec: { replicas: 0, selector: { matchLabels: labels }, template: template(labels) },
    });
    await change("taken", { paused: false });
    const deployment = await complete("taken");
    expect(deployment.status?.collisionCount).toBe(1);
    const [set] = await setsOf("taken");
    expect(set?.metadata.name).toBe(`taken-${templateHash(spec.template, 1)}`);
  });

  it("recreates its pods only when the old ones have ended", async () => {
    await make("whole", { strategy: { type: "Recreate" } });
    await complete("whole");
    lastPods = false;
    await change("whole", imageOf("web:2"));
    await eventually("the old pods to be deleted", () =>
      runner
        .pods()
        .filter(({ metadata }) => metadata.labels?.["app"] === "whole")
        .every(({ metadata }) => metadata.deletionTimestamp !== undefined),
    );
    expect(await setsOf("whole")).toHaveLength(1);
    lastPods = true;
    runner.settle();
    await complete("whole");
    const images = runner.pods().filter(({ metadata }) => metadata.labels?.["app"] === "whole");
    expect(images.map(({ spec }) => spec.containers[0]?.image)).toEqual(["web:2", "web:2"]);
  });

  it("stops at the first pods that do not become ready, tells of it in time, and goes back", async () => {
    const strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
    await make("careful", { replicas: 3, progressDeadlineSeconds: 2, strategy });
    await complete("careful");
    await change("careful", imageOf("broken"));
    const late = await reaches("careful", "has timed out", ({ status }) =>
      (status?.conditions ?? []).some(({ reason }) => reason === "ProgressDeadlineExceeded"),
    );
    expect(late.status).toMatchObject({
      replicas: 4,
      updatedReplicas: 1,
      availableReplicas: 3,
      unavailableReplicas: 1,
    });
    await change("careful", imageOf("web:1"));
    const back = await complete("careful");
    expect(back.metadata.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
    const [first] = (await setsOf("careful")).filter(({ spec }) => spec.replicas === 3);
    expect(first?.metadata.annotations?.["deployment.kubernetes.io/revision-history"]).toBe("1");
  });

  it("says why its ReplicaSet is refused", async () => {
    await plane.client.create(namespaces, { metadata: { name: "none" }, spec: {} });
    await plane.client.create(resourceTypes.resourceQuotas, {
      metadata: { namespace: "none", name: "quota" },
      spec: { hard: { "count/replicasets.apps": "0" } },
      status: {},
    });
    const selector = { matchLabels: { app: "refused" } };
    const refused = { namespace: "none", name: "refused" };
    await plane.client.create(deployments, {
      metadata: refused,
      spec: { selector, template: template({ app: "refused" }) },
    });
    const condition = await eventually("the failure", async () => {
      const { status } = await plane.client.get(deployments, refused);
      return status?.conditions?.find(({ reason }) => reason === "ReplicaSetCreateError");
    });
    expect(condition).toMatchObject({ type: "Progressing", status: "False" });
    expect(condition.message).toMatch(
      /^Failed to create new replica set "refused-[a-z0-9]+": replicasets.apps "refused-/,
    );
    expect(plane.events.find(({ about }) => about.metadata.name === "refused")).toMatchObject({
      type: "Warning",
      reason: "ReplicaSetCreateError",
      message: condition.message,
    });
  });
});
