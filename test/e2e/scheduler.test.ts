/** `fairlead server` schedules pods, as kubectl's users see it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";

const folder = mkdtempSync(path.join(tmpdir(), "fairlead-schedules-"));
let server: ServerProcess;
beforeAll(async () => {
  server = await startServerProcess(path.join(folder, "data"), ["--secure-port", "0"]);
  await eventually(
    "the default account",
    () => server.run(["get", "serviceaccount", "default"]).catch(() => undefined),
    20_000,
  );
  await addNode("node-a", { disk: "ssd" });
  await addNode("node-b", { disk: "hdd" });
});
afterAll(async () => {
  server.signal("SIGTERM");
  await server.exited;
  rmSync(folder, { recursive: true, force: true });
});

const waitMs = 20_000;

/** A node that says it is ready, as a kubelet does. */
async function addNode(name: string, labels: Record<string, string>): Promise<void> {
  const resources = { cpu: "2", memory: "4Gi", pods: "10" };
  await server.run(["create", "-f", "-"], { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
  const now = new Date().toISOString();
  const ready = {
    type: "Ready",
    status: "True",
    reason: "KubeletReady",
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const status = { status: { capacity: resources, allocatable: resources, conditions: [ready] } };
  await server.run(["patch", "node", name, "--subresource=status", "--type=merge", "-p", JSON.stringify(status)]);
  await eventually(
    `${name} without taints`,
    async () => (await server.run(["get", "node", name, "-o", "jsonpath={.spec.taints}"])) === "",
    waitMs,
  );
}

async function addPod(name: string, spec: object = {}, cpu = "100m"): Promise<void> {
  const containers = [{ name: "main", image: "app", resources: { requests: { cpu } } }];
  await server.run(["create", "-f", "-"], {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers, ...spec },
  });
}

const get = (name: string, jsonpath: string) => server.run(["get", "pod", name, "-o", `jsonpath={${jsonpath}}`]);
const nodeOf = (name: string) =>
  eventually(`a node for ${name}`, async () => (await get(name, ".spec.nodeName")) || undefined, waitMs);
const described = (name: string, text: string) =>
  eventually(
    `"${text}" about ${name}`,
    async () => {
      const description = await server.run(["describe", "pod", name]);
      return description.includes(text) ? description : undefined;
    },
    waitMs,
  );

describe("the scheduler, by kubectl", () => {
  it("gives a pod its node and says so", async () => {
    await addPod("plain", { nodeSelector: { disk: "ssd" } });
    expect(await nodeOf("plain")).toBe("node-a");
    const description = await described("plain", "Successfully assigned default/plain to node-a");
    expect(description).toMatch(/Normal\s+Scheduled\s+\S+\s+default-scheduler\s+Successfully assigned/);
    expect(description).toMatch(/PodScheduled\s+True/);
  });

  it("says why a pod has none, and gives it one when a taint or a cordon goes", async () => {
    await server.run(["taint", "node", "node-b", "dedicated=x:NoSchedule"]);
    await server.run(["cordon", "node-a"]);
    await addPod("stuck");
    const message =
      "0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. " +
      "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    const description = await described("stuck", message);
    expect(description).toMatch(/Warning\s+FailedScheduling\s+\S+\s+default-scheduler/);
    const reason = ".status.conditions[?(@.type=='PodScheduled')].reason";
    await eventually("the reason", async () => (await get("stuck", reason)) === "Unschedulable", waitMs);
    expect(await server.run(["get", "pod", "stuck"])).toContain("Pending");
    await server.run(["taint", "node", "node-b", "dedicated-"]);
    expect(await nodeOf("stuck")).toBe("node-b");
    await server.run(["uncordon", "node-a"]);
  });

  it("holds a pod back by its gates", async () => {
    await addPod("gated", { schedulingGates: [{ name: "example.com/wait" }] });
    await addPod("free");
    await nodeOf("free");
    expect(await server.run(["get", "pod", "gated"])).toContain("SchedulingGated");
    expect(await get("gated", ".spec.nodeName")).toBe("");
    await server.run([
      "patch",
      "pod",
      "gated",
      "--type=json",
      "-p",
      '[{"op":"remove","path":"/spec/schedulingGates"}]',
    ]);
    await nodeOf("gated");
  });

  it("preempts for a pod of higher priority", async () => {
    await server.run(["create", "priorityclass", "urgent", "--value=1000"]);
    await addNode("node-p", { pool: "p" });
    const pool = { nodeSelector: { pool: "p" } };
    await addPod("victim", pool, "2");
    expect(await nodeOf("victim")).toBe("node-p");
    await addPod("urgent", { ...pool, priorityClassName: "urgent" }, "2");
    await described("victim", "Preempted by pod");
    expect(await get("victim", ".status.conditions[?(@.type=='DisruptionTarget')].reason")).toBe(
      "PreemptionByScheduler",
    );
    const nominated = () => server.run(["get", "pod", "urgent", "-o", "wide"]);
    await eventually("the nomination", async () => (await nominated()).includes("node-p"), waitMs);
    await server.run(["delete", "pod", "victim", "--force", "--grace-period=0"]);
    expect(await nodeOf("urgent")).toBe("node-p");
  });

  it("logs no error", () => {
    expect(server.log().filter(({ level }) => level === "error")).toEqual([]);
  });
});
