/** A node that falls silent, on the real API server and time that the test moves. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { nodeLifecycleController } from "../../../../../src/controlplane/controllers/node_lifecycle/node_lifecycle.ts";
import { taintEvictionController } from "../../../../../src/controlplane/controllers/taint_eviction/taint_eviction.ts";
import { microTimestamp } from "../../../../../src/model/timestamp.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { FakeClock } from "../../../../fixtures/fake_clock.ts";

const { nodes, leases, pods, serviceAccounts } = resourceTypes;
const clock = new FakeClock(Date.parse("2030-01-01T00:00:00Z"));
const alive = new Set(["a", "b", "c"]);
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [nodeLifecycleController, taintEvictionController], clock });
  const { client } = plane;
  await client.create(serviceAccounts, { metadata: { namespace: "default", name: "default" } });
  for (const name of alive) {
    const labels = { "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" };
    await client.create(nodes, { metadata: { name, labels }, spec: {} });
    const heartbeat = "2030-01-01T00:00:00Z";
    const ready = { type: "Ready", status: "True", lastHeartbeatTime: heartbeat, lastTransitionTime: heartbeat };
    const body = { status: { conditions: [ready] } };
    await client.patch(nodes, { name }, { type: "strategic", body }, { subresource: "status" });
    await client.create(leases, { metadata: { namespace: "kube-node-lease", name }, spec: {} });
  }
  await sleep(50);
});
afterAll(() => plane.stop());

/** Time goes on by five seconds; who is alive renews its Lease first. */
async function step(): Promise<void> {
  for (const name of alive) {
    const body = { spec: { renewTime: microTimestamp(clock.now()) } };
    await plane.client.patch(leases, { namespace: "kube-node-lease", name }, { type: "merge", body });
  }
  await sleep(10);
  clock.advance(5000);
  await sleep(10);
}
async function after(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) await step();
}
/** Time goes on until it is so, by ten minutes at most. */
async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  for (let i = 0; i < 120; i++) {
    const found = await look();
    if (found) return found;
    await step();
  }
  throw new Error(`${what} did not come within ten minutes`);
}

const taintsOf = async (name: string): Promise<string[]> => {
  const { spec } = await plane.client.get(nodes, { name });
  return (spec.taints ?? []).map(({ key, effect }) => `${key.replace("node.kubernetes.io/", "")}:${effect}`).sort();
};
const conditionOf = async (name: string) => {
  const { status } = await plane.client.get(nodes, { name });
  return status?.conditions?.find(({ type }) => type === "Ready");
};
const key = (name: string) => ({ namespace: "default", name });
async function runningPod(name: string, nodeName: string, tolerations: object[] = []): Promise<void> {
  const spec = { nodeName, containers: [{ name: "c", image: "i" }], tolerations };
  await plane.client.create(pods, { metadata: key(name), spec });
  const conditions = [{ type: "Ready", status: "True" }];
  const body = { status: { phase: "Running", conditions } };
  await plane.client.patch(pods, key(name), { type: "strategic", body }, { subresource: "status" });
}
const isGoing = (name: string): Promise<boolean> =>
  plane.client.get(pods, key(name)).then(({ metadata }) => metadata.deletionTimestamp !== undefined, isNotFound);

describe("a node that falls silent", () => {
  it("has its labels complete, and is told of", async () => {
    await after(5);
    const { metadata } = await plane.client.get(nodes, { name: "a" });
    expect(metadata.labels).toMatchObject({ "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64" });
    const told = plane.events.find(({ reason }) => reason === "RegisteredNode");
    expect(told?.message).toBe("Node a event: Registered Node a in Controller");
  });

  it("is unknown after the grace period, and its pods are not ready", async () => {
    await runningPod("patient", "c");
    await runningPod("quick", "c", [
      { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 20 },
    ]);
    await runningPod("elsewhere", "a");
    alive.delete("c");
    await after(45);
    expect((await conditionOf("c"))?.status).toBe("True");
    await until("the unknown node", async () => (await conditionOf("c"))?.status === "Unknown");
    expect(await conditionOf("c")).toMatchObject({
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
    });
    expect((await conditionOf("a"))?.status).toBe("True");
    const ready = await eventually("the pod's condition", async () => {
      const { status } = await plane.client.get(pods, key("patient"));
      return status?.conditions?.find(({ type, status: is }) => type === "Ready" && is === "False");
    });
    expect(ready.lastTransitionTime).toBeDefined();
    const ofNode = plane.events.find((one) => one.reason === "NodeNotReady" && one.about.kind === "Node");
    expect(ofNode?.message).toBe("Node c status is now: NodeNotReady");
    const ofPod = plane.events.find((one) => one.reason === "NodeNotReady" && one.about.kind === "Pod");
    expect(ofPod).toMatchObject({ type: "Warning", message: "Node is not ready" });
  }, 30_000);

  it("is tainted, and its pods leave when their time is over", async () => {
    await until("both taints", async () => (await taintsOf("c")).length === 2);
    expect(await taintsOf("c")).toEqual(["unreachable:NoExecute", "unreachable:NoSchedule"]);
    const taintedMs = clock.now();
    await until("the quick pod's end", () => isGoing("quick"));
    expect(clock.now() - taintedMs).toBeLessThanOrEqual(60_000);
    expect(await isGoing("patient")).toBe(false);
    const marked = await plane.client.get(pods, key("quick"));
    expect(marked.status?.conditions?.find(({ type }) => type === "DisruptionTarget")).toMatchObject({
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    });
    const told = plane.events.find(({ reason }) => reason === "TaintManagerEviction");
    expect(told).toMatchObject({
      source: "taint-eviction-controller",
      type: "Normal",
      message: "Marking for deletion Pod default/quick",
    });
    await until("the patient pod's end", () => isGoing("patient"));
    expect(clock.now() - taintedMs).toBeGreaterThanOrEqual(290_000);
    expect(await isGoing("elsewhere")).toBe(false);
  }, 60_000);

  it("is as before when it comes back, and a pod that was to leave stays", async () => {
    await runningPod("lucky", "c", [
      { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 400 },
    ]);
    await after(10);
    alive.add("c");
    const heartbeat = new Date(clock.now()).toISOString().slice(0, 19) + "Z";
    const ready = { type: "Ready", status: "True", lastHeartbeatTime: heartbeat, lastTransitionTime: heartbeat };
    const body = { status: { conditions: [ready] } };
    await plane.client.patch(nodes, { name: "c" }, { type: "strategic", body }, { subresource: "status" });
    await until("no taints", async () => (await taintsOf("c")).length === 0);
    await until("the word of it", async () =>
      plane.events.some(({ message }) => message === "Cancelling deletion of Pod default/lucky"),
    );
    expect(plane.complaints).toEqual([]);
  }, 30_000);

  it("is not emptied where all are silent", async () => {
    alive.clear();
    await until("silence", async () => (await conditionOf("a"))?.status === "Unknown");
    await after(60);
    for (const name of ["a", "b", "c"]) expect(await taintsOf(name)).toEqual(["unreachable:NoSchedule"]);
    expect(await isGoing("elsewhere")).toBe(false);
  }, 30_000);
});
