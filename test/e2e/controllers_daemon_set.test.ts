/** DaemonSets as people work with them: kubectl's verbs, on the real API server and controller. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../src/api/resource_types.ts";
import { daemonSetController } from "../../src/controlplane/controllers/daemon_set/daemon_set.ts";
import { garbageCollectorController } from "../../src/controlplane/controllers/garbage_collector/garbage_collector.ts";
import { startTestControlPlane, type TestControlPlane } from "../fixtures/control_plane.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../fixtures/pod_runner.ts";
import { template } from "../fixtures/workloads.ts";

let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [daemonSetController, garbageCollectorController] });
  runner = await startPodRunner(plane.client);
  for (const name of ["n1", "n2", "n3"]) await addNode(name);
  await plane.run(["create", "-f", "-"], {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent" },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: template({ app: "agent" }),
      updateStrategy: { rollingUpdate: { maxUnavailable: 2 } },
    },
  });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

/** Nodes begin with a taint, until the node lifecycle controller sees them ready. */
async function addNode(name: string): Promise<void> {
  await plane.client.create(resourceTypes.nodes, { metadata: { name, labels: { disk: "ssd" } }, spec: {} });
  await plane.client.patch(resourceTypes.nodes, { name }, { type: "merge", body: { spec: { taints: null } } });
}

const kubectl = (...args: string[]): Promise<string> => plane.run(args);
const rollout = (verb: string, ...args: string[]): Promise<string> => kubectl("rollout", verb, "ds/agent", ...args);
const done = 'daemon set "agent" successfully rolled out';
const daemonSet = async (): Promise<any> => JSON.parse(await kubectl("get", "ds", "agent", "-o", "json"));
const placed = (): string =>
  runner
    .pods()
    .map(({ spec, metadata }) => `${spec.nodeName}${metadata.deletionTimestamp ? " ending" : ""}`)
    .sort()
    .join();
const images = (): string =>
  runner
    .pods()
    .map(({ spec }) => spec.containers[0]?.image)
    .join();
const runsOn = (nodes: string): Promise<unknown> => eventually(`pods on ${nodes}`, () => placed() === nodes);

describe("kubectl on a daemon set", () => {
  it("rollout status waits for a pod on each node", async () => {
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(placed()).toBe("n1,n2,n3");
    expect(await kubectl("get", "ds", "agent", "--no-headers")).toMatch(/^agent +3 +3 +3 +3 +3 /);
    const { metadata } = runner.pods()[0]!;
    const revision = JSON.parse(await kubectl("get", "controllerrevisions", "-o", "json")).items[0];
    expect(revision.metadata.name).toBe(`agent-${metadata.labels?.["controller-revision-hash"]}`);
    expect(metadata.labels?.["pod-template-generation"]).toBe("1");
  });

  it("follows nodes that come, change and go", async () => {
    await addNode("n4");
    await runsOn("n1,n2,n3,n4");
    await kubectl("taint", "node", "n4", "only=others:NoExecute");
    await runsOn("n1,n2,n3");
    await kubectl("taint", "node", "n4", "only-");
    await runsOn("n1,n2,n3,n4");
    await kubectl("cordon", "n4");
    await kubectl("delete", "pod", "--field-selector=spec.nodeName=n4");
    await runsOn("n1,n2,n3,n4");
    await kubectl("delete", "node", "n4");
    await eventually("three wanted", async () => (await daemonSet()).status.desiredNumberScheduled === 3);
    await kubectl("delete", "pod", "--field-selector=spec.nodeName=n4");
    await runsOn("n1,n2,n3");
  });

  it("goes where the node selector says", async () => {
    await kubectl("label", "node", "n3", "disk=hdd", "--overwrite");
    await kubectl("patch", "ds", "agent", "-p", '{"spec":{"template":{"spec":{"nodeSelector":{"disk":"ssd"}}}}}');
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    await runsOn("n1,n2");
    await kubectl("label", "node", "n3", "disk=ssd", "--overwrite");
    await runsOn("n1,n2,n3");
    expect(runner.pods()[0]?.metadata.labels?.["pod-template-generation"]).toBe("2");
  });

  it("set image, history and undo", async () => {
    await kubectl("set", "image", "ds/agent", "web=web:3");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(images()).toBe("web:3,web:3,web:3");
    expect(await rollout("history")).toMatch(/\n1 .*\n2 .*\n3 /);
    expect(await rollout("history", "--revision=3")).toContain("web:3");
    await rollout("undo");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(images()).toBe("web:1,web:1,web:1");
    expect(await rollout("history")).toMatch(/\n1 .*\n3 .*\n4 /);
  });

  it("restart makes all pods anew", async () => {
    const before = runner.pods().map(({ metadata }) => metadata.uid);
    await rollout("restart");
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(runner.pods().some(({ metadata }) => before.includes(metadata.uid))).toBe(false);
  });

  it("replaces a pod that failed", async () => {
    const [pod] = runner.pods();
    const body = { status: { ...pod!.status, phase: "Failed" } };
    await plane.client.patch(resourceTypes.pods, pod!.metadata, { type: "merge", body }, { subresource: "status" });
    await eventually("another in its place", () => {
      const names = runner.pods().map(({ metadata }) => metadata.name);
      return names.length === 3 && !names.includes(pod!.metadata.name);
    });
    expect(plane.events.find(({ reason }) => reason === "FailedDaemonPod")).toMatchObject({
      source: "daemonset-controller",
      type: "Warning",
      message: `Found failed daemon pod default/${pod!.metadata.name} on node ${pod!.spec.nodeName}, will try to kill it`,
    });
  });

  it("delete --cascade=orphan leaves pods and revisions, and one of the same selector takes them over", async () => {
    await eventually("three ready", async () => (await daemonSet()).status.numberReady === 3);
    const set = await daemonSet();
    const before = runner.pods().map(({ metadata }) => metadata.uid);
    await kubectl("delete", "ds/agent", "--cascade=orphan", "--timeout=20s");
    expect(runner.pods().map(({ metadata }) => metadata.ownerReferences)).toEqual([undefined, undefined, undefined]);
    await plane.run(["create", "-f", "-"], { ...set, metadata: { name: "agent" }, status: undefined });
    expect(await rollout("status", "--timeout=20s")).toContain(done);
    expect(runner.pods().map(({ metadata }) => metadata.uid)).toEqual(before);
    expect((await daemonSet()).status).toMatchObject({ updatedNumberScheduled: 3, numberReady: 3 });
  });
});
