/** The scheduler on the real API server: pods get nodes, and those that cannot are told why. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../src/api/resource_types.ts";
import { schedulerRow } from "../../../../src/controlplane/scheduler/scheduler.ts";
import type { Pod } from "../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../fixtures/control_plane.ts";
import { eventually } from "../../../fixtures/eventually.ts";
import { node, pod, type NodeOptions, type PodOptions } from "./objects.ts";

const { pods, nodes } = resourceTypes;
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [schedulerRow] });
  await plane.client.create(resourceTypes.serviceAccounts, { metadata: { namespace: "default", name: "default" } });
});
afterAll(() => plane.stop());

async function makeNode(name: string, options: NodeOptions = {}): Promise<void> {
  const { metadata, spec, status } = node(name, options);
  const made = await plane.client.create(nodes, { metadata: { name, labels: metadata.labels! }, spec });
  await plane.client.update(nodes, { ...made, status: { ...made.status, ...status } }, { subresource: "status" });
  // The server taints what is new as not ready, as long as nobody says otherwise.
  const body = { spec: { taints: spec.taints ?? null } };
  await plane.client.patch(nodes, { name }, { type: "merge", body });
}

async function makePod(name: string, options: PodOptions = {}): Promise<Pod> {
  const { spec, metadata } = pod(name, options);
  const { namespace = "default", labels } = metadata;
  return plane.client.create(pods, { metadata: { name, namespace, ...(labels ? { labels } : {}) }, spec });
}

const read = (name: string): Promise<Pod> => plane.client.get(pods, { namespace: "default", name });

function nodeOf(name: string): Promise<string> {
  return eventually(`a node for ${name}`, async () => (await read(name)).spec.nodeName || undefined);
}

function rejection(name: string) {
  return eventually(`a word about ${name}`, async () =>
    (await read(name)).status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False"),
  );
}

const said = (name: string, reason: string): readonly string[] =>
  plane.events
    .filter((event) => event.reason === reason && event.about.metadata.name === name)
    .map(({ message, source, type }) => `${source} ${type}: ${message}`);

describe("the scheduler", () => {
  it("says that there are no nodes, and binds when one comes", async () => {
    await makePod("first");
    expect(await rejection("first")).toMatchObject({
      reason: "Unschedulable",
      message: "no nodes available to schedule pods",
    });
    await makeNode("node-a");
    expect(await nodeOf("first")).toBe("node-a");
    expect(said("first", "Scheduled")).toEqual([
      "default-scheduler Normal: Successfully assigned default/first to node-a",
    ]);
  });

  it("tells why no node fits, and tries again when a node changes so that it could", async () => {
    await makeNode("node-b", { taints: [{ key: "dedicated", value: "x", effect: "NoSchedule" }] });
    await makePod("big", { requests: { cpu: "5" } });
    const message = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).";
    expect(await rejection("big")).toMatchObject({ status: "False", reason: "Unschedulable" });
    expect((await rejection("big")).message).toContain(message);
    expect(said("big", "FailedScheduling")[0]).toContain(`default-scheduler Warning: ${message}`);
    const larger = { status: { allocatable: { cpu: "8" }, capacity: { cpu: "8" } } };
    await plane.client.patch(nodes, { name: "node-a" }, { type: "merge", body: larger }, { subresource: "status" });
    expect(await nodeOf("big")).toBe("node-a");
  });

  it("leaves pods alone that are another scheduler's, that are gated, or that are on a node", async () => {
    await makePod("foreign", { spec: { schedulerName: "other" } });
    await makePod("gated", { spec: { schedulingGates: [{ name: "example.com/wait" }] } });
    await makePod("later");
    expect(await nodeOf("later")).toBe("node-a");
    expect((await read("foreign")).spec.nodeName).toBeUndefined();
    expect((await rejection("gated")).reason).toBe("SchedulingGated");
    await plane.client.patch(
      pods,
      { namespace: "default", name: "gated" },
      { type: "merge", body: { spec: { schedulingGates: null } } },
    );
    expect(await nodeOf("gated")).toBe("node-a");
  });

  it("gives the room of a pod that is gone to one that waits", async () => {
    await makePod("taker", { requests: { memory: "6Gi" } });
    expect(await nodeOf("taker")).toBe("node-a");
    await makePod("waiter", { requests: { memory: "6Gi" } });
    expect((await rejection("waiter")).message).toContain("0/2 nodes are available: 1 Insufficient memory");
    await plane.client.delete(pods, { namespace: "default", name: "taker" }, { gracePeriodSeconds: 0 });
    expect(await nodeOf("waiter")).toBe("node-a");
  });

  it("has a pod of lower priority go, says so, and gives its room to the one that asked", async () => {
    const classes = resourceTypes.priorityClasses;
    await plane.client.create(classes, { metadata: { name: "high" }, value: 1000 });
    await makeNode("node-p", { labels: { pool: "p" }, allocatable: { cpu: "2" } });
    const inPool = { nodeSelector: { pool: "p" } };
    await makePod("victim", { requests: { cpu: "2" }, spec: inPool });
    expect(await nodeOf("victim")).toBe("node-p");
    const made = await makePod("preemptor", { requests: { cpu: "2" }, spec: { ...inPool, priorityClassName: "high" } });
    const leaving = await eventually("the victim's end", async () => {
      const victim = await read("victim");
      return victim.metadata.deletionTimestamp === undefined ? undefined : victim;
    });
    expect(leaving.status?.conditions?.find(({ type }) => type === "DisruptionTarget")).toMatchObject({
      status: "True",
      reason: "PreemptionByScheduler",
      message: "default-scheduler: preempting to accommodate a higher priority pod",
    });
    const nominated = await eventually("the nomination", async () => {
      const { status } = await read("preemptor");
      return status?.nominatedNodeName ? status : undefined;
    });
    expect(nominated.nominatedNodeName).toBe("node-p");
    expect(said("victim", "Preempted")).toEqual([
      `default-scheduler Normal: Preempted by pod ${made.metadata.uid} on node node-p`,
    ]);
    // Nobody of lower priority gets the room meanwhile.
    await makePod("thief", { requests: { cpu: "1" }, spec: inPool });
    await plane.client.delete(pods, { namespace: "default", name: "victim" }, { gracePeriodSeconds: 0 });
    expect(await nodeOf("preemptor")).toBe("node-p");
    expect((await read("thief")).spec.nodeName).toBeUndefined();
  });

  it("had nothing to complain of", () => {
    expect(plane.complaints).toEqual([]);
    expect(plane.internalErrors).toEqual([]);
  });
});
