/** Pods that nobody else would delete; cases as upstream's tests have them, and the real API server. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { planPodGc } from "../../../../../src/controlplane/controllers/pod_gc/plan.ts";
import { podGcController } from "../../../../../src/controlplane/controllers/pod_gc/pod_gc.ts";
import type { Node, Pod } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { FakeClock } from "../../../../fixtures/fake_clock.ts";

const { pods, nodes, serviceAccounts } = resourceTypes;

interface Shape {
  readonly phase?: string;
  readonly node?: string;
  readonly age?: number;
  readonly deleted?: true;
  readonly reason?: string;
}
function pod(name: string, { phase = "Running", node, age = 0, deleted, reason }: Shape = {}): Pod {
  const at = (seconds: number): string => new Date(Date.parse("2026-01-01T00:00:00Z") + seconds * 1000).toISOString();
  return {
    metadata: {
      name,
      uid: name,
      namespace: "default",
      creationTimestamp: at(-age),
      ...(deleted ? { deletionTimestamp: at(0) } : {}),
    },
    spec: { ...(node === undefined ? {} : { nodeName: node }) },
    status: { phase, ...(reason === undefined ? {} : { reason }) },
  } as unknown as Pod;
}
const node = (ready: string, ...taints: string[]): Node =>
  ({
    spec: { taints: taints.map((key) => ({ key, effect: "NoExecute" })) },
    status: { conditions: [{ type: "Ready", status: ready }] },
  }) as unknown as Node;
const outOfService = "node.kubernetes.io/out-of-service";
const known: Readonly<Record<string, Node>> = {
  well: node("True"),
  silent: node("Unknown"),
  off: node("Unknown", outOfService),
  "off-but-ready": node("True", outOfService),
};
const plan = (all: readonly Pod[], threshold = 0): string[] =>
  planPodGc(all, { threshold, nodeOf: (name) => known[name], isGone: (name) => name === "gone" }).map(
    ({ pod: { metadata }, fails, condition }) =>
      [metadata.name, ...(fails ? ["fails"] : []), condition?.reason].filter(Boolean).join(" "),
  );

describe("planPodGc", () => {
  const ended = (count: number): Pod[] =>
    Array.from({ length: count }, (_, i) => pod(`p${i}`, { phase: i % 2 === 0 ? "Succeeded" : "Failed", age: i }));

  it("takes the oldest that have ended, beyond the threshold", () => {
    expect(plan(ended(5), 0)).toEqual([]);
    expect(plan(ended(5), 5)).toEqual([]);
    expect(plan(ended(5), 3)).toEqual(["p4", "p3"]);
    expect(plan([...ended(3), pod("running", { age: 100 }), pod("pending", { phase: "Pending" })], 2)).toEqual(["p2"]);
  });
  it("takes evicted ones first", () => {
    expect(plan([...ended(3), pod("evicted", { phase: "Failed", reason: "Evicted" })], 3)).toEqual(["evicted"]);
  });
  it("takes pods of nodes that are gone, and says that their work was cut short", () => {
    expect(
      plan([pod("a", { node: "gone" }), pod("b", { node: "gone", phase: "Succeeded" }), pod("c", { node: "well" })]),
    ).toEqual(["a fails DeletionByPodGC", "b DeletionByPodGC"]);
  });
  it("takes what is being deleted where no node ever had it", () => {
    expect(plan([pod("a", { deleted: true }), pod("b"), pod("c", { deleted: true, phase: "Failed" })])).toEqual([
      "a fails",
      "c",
    ]);
  });
  it("takes what is being deleted on a node that is out of service", () => {
    const on = (name: string): Pod => pod(name, { node: name, deleted: true });
    expect(plan([...Object.keys(known).map(on), pod("stays", { node: "off" })])).toEqual(["off fails"]);
  });
});

describe("on the real API server", () => {
  const clock = new FakeClock();
  let plane: TestControlPlane;
  beforeAll(async () => {
    plane = await startTestControlPlane({ rows: [podGcController], clock, options: { terminatedPodGcThreshold: 1 } });
    await plane.client.create(serviceAccounts, { metadata: { namespace: "default", name: "default" } });
  });
  afterAll(() => plane.stop());
  const key = (name: string) => ({ namespace: "default", name });
  const make = (name: string, spec: object = {}, over: object = {}): Promise<Pod> =>
    plane.client.create(pods, {
      metadata: { ...key(name), ...over },
      spec: { containers: [{ name: "c", image: "i" }], ...spec },
    });
  const isThere = (name: string): Promise<boolean> =>
    plane.client.get(pods, key(name)).then(
      () => true,
      (error: unknown) => !isNotFound(error),
    );
  async function after(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds; passed += 20) {
      await eventually("the next look", () => clock.waiting > 0);
      clock.advance(20_000);
      await sleep(30);
    }
  }

  it("takes pods of a node that is gone for long enough, and no others", async () => {
    await plane.client.create(nodes, { metadata: { name: "here" }, spec: {} });
    await make("lost", { nodeName: "never" }, { finalizers: ["example.com/watch"] });
    await make("kept", { nodeName: "here" });
    await make("unbound", { schedulingGates: [{ name: "example.com/gate" }] });
    await after(40);
    expect((await plane.client.get(pods, key("lost"))).metadata.deletionTimestamp).toBeUndefined();
    await after(40);
    const lost = await eventually("its end", async () => {
      const now = await plane.client.get(pods, key("lost"));
      return now.metadata.deletionTimestamp !== undefined && now;
    });
    expect(lost.status?.phase).toBe("Failed");
    expect(lost.status?.conditions?.find(({ type }) => type === "DisruptionTarget")).toMatchObject({
      status: "True",
      reason: "DeletionByPodGC",
      message: "PodGC: node no longer exists",
    });
    expect(await isThere("kept")).toBe(true);
    expect(await isThere("unbound")).toBe(true);
    expect(plane.complaints).toEqual([]);
  });

  it("keeps as many that have ended as it is told", async () => {
    for (const name of ["first", "second"]) {
      await make(name, { nodeName: "here" });
      const body = { status: { phase: "Succeeded" } };
      await plane.client.patch(pods, key(name), { type: "strategic", body }, { subresource: "status" });
      await sleep(1100);
    }
    await after(20);
    await eventually("the end of the first", async () => !(await isThere("first")));
    expect(await isThere("second")).toBe(true);
  });
});
