/** Pods that take more than they may, on a real kernel: each is held to its limits, and its neighbour does not notice. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cgroupFolders, cgroupValue } from "../fixtures/container_remains.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { conditionOf, PodKit, sleeps, statusOf } from "../fixtures/kubelet_pods.ts";

let node: KubeletNode;
let kit: PodKit;

beforeAll(async () => {
  node = await startKubeletNode({ podPidsLimit: 50, kubeReserved: { memory: "256Mi" } });
  kit = new PodKit(node);
  await kit.run("neighbour", { command: ["sh", "-c", "while :; do sleep 1; done"] });
  await kit.ready("neighbour");
});
afterAll(async () => {
  kit.close();
  await node.stop();
});

/** Of the control group of all pods, or of what is below it. */
const valueOf = (file: string, below = ""): string =>
  cgroupValue(`${node.containerd.cgroupRoot}/kubepods/${below}`, file);
const isV1 = !existsSync("/sys/fs/cgroup/cgroup.controllers");
const memoryFile = isV1 ? "memory.limit_in_bytes" : "memory.max";

async function neighbourIsWell(): Promise<void> {
  expect(statusOf(await kit.get("neighbour"))).toMatchObject({ ready: true, restartCount: 0 });
}

describe("control groups", () => {
  it("bound all pods, and each pod by what it asks for, until it is gone", async () => {
    const limits = { cpu: "200m", memory: "64Mi" };
    await kit.run("bounded", {
      command: ["sleep", "1000"],
      resources: { requests: { cpu: "100m", memory: "32Mi" }, limits },
    });
    const bounded = await kit.ready("bounded");
    const { memory } = (await node.get<any>("node", "node-1")).status.capacity;
    // The kernel keeps whole pages.
    expect(Number(valueOf(memoryFile))).toBe((Number.parseInt(memory) - 256 * 1024) * 1024);
    const own = `burstable/pod${bounded.metadata.uid}`;
    expect(valueOf(memoryFile, own)).toBe(String(64 * 2 ** 20));
    expect(valueOf("pids.max", own)).toBe("50");
    if (isV1) {
      expect([valueOf("cpu.shares", own), valueOf("cpu.cfs_quota_us", own)]).toEqual(["102", "20000"]);
      expect(valueOf("cpu.shares", "burstable")).toBe("102");
    }
    const container = `${own}/${statusOf(bounded).containerID.split("//")[1]}`;
    expect(valueOf(memoryFile, container)).toBe(String(64 * 2 ** 20));
    await kit.delete("bounded");
    expect(cgroupFolders(`${node.containerd.cgroupRoot}/kubepods/${own}`)).toEqual([]);
  });
});

describe("a container", () => {
  it("that forks without end is held to podPidsLimit", async () => {
    await kit.run("bomb", {
      command: ["sh", "-c", "f() { sleep 1000 & }; while :; do (f) 2>/dev/null || sleep 1; done"],
    });
    const { uid } = (await kit.ready("bomb")).metadata;
    const own = `besteffort/pod${uid}`;
    await eventually("as many processes as may be", () => Number(valueOf("pids.current", own)) >= 45, 20_000);
    expect(Number(valueOf("pids.current", own))).toBeLessThanOrEqual(50);
    await neighbourIsWell();
    await kit.delete("bomb");
    expect(cgroupFolders(`${node.containerd.cgroupRoot}/kubepods/${own}`)).toEqual([]);
  });

  it("that takes more memory than it may is killed, and the pod says so", async () => {
    const resources = { limits: { memory: "24Mi" } };
    const command = ["dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"];
    const reasons: string[] = [];
    // containerd hears of the end and of its reason by two ways; where the second is late, the first says "Error".
    while (reasons.length < 3 && !reasons.includes("OOMKilled")) {
      const name = `hog-${reasons.length}`;
      await kit.run(name, { command, resources }, { restartPolicy: "Never" });
      const { terminated } = statusOf(await kit.phase(name, "Failed")).state;
      expect(terminated.exitCode).toBe(137);
      reasons.push(terminated.reason);
      await kit.delete(name);
    }
    expect(reasons).toContain("OOMKilled");
    await neighbourIsWell();
  });
});

describe("a pod that does not belong here", () => {
  const asked = (cpu: string) => ({ resources: { requests: { cpu } } });
  const ports = { ports: [{ containerPort: 80, hostPort: 8088 }] };
  const cases: readonly (readonly [string, object, object, string, RegExp])[] = [
    [
      "wide",
      asked("1000"),
      {},
      "OutOfcpu",
      /^Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000, used: \d+, capacity: \d+$/,
    ],
    [
      "astray",
      {},
      { nodeSelector: { disk: "fast" } },
      "NodeAffinity",
      /^Pod was rejected: Predicate NodeAffinity failed: node\(s\) didn't match Pod's node affinity\/selector$/,
    ],
    [
      "taken",
      ports,
      {},
      "NodePorts",
      /^Pod was rejected: Predicate NodePorts failed: node\(s\) didn't have free ports for the requested pod ports$/,
    ],
    [
      "sysctl",
      {},
      { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } },
      "SysctlForbidden",
      /^Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted$/,
    ],
  ];

  it("fails with upstream's reason, and has nothing of the node", async () => {
    await kit.run("holder", { ...sleeps, ...ports });
    await kit.ready("holder");
    for (const [name, container, spec] of cases) await kit.run(name, container, { nodeName: "node-1", ...spec });
    for (const [name, , , reason, message] of cases) {
      const { status, metadata } = await kit.phase(name, "Failed");
      expect([name, status.reason]).toEqual([name, reason]);
      expect(status.message).toMatch(message);
      expect(status).not.toHaveProperty("containerStatuses");
      expect(await node.containerd.ctr("containers", "list", "-q")).not.toContain(metadata.uid);
    }
    await node.run(["label", "node", "node-1", "disk=fast"]);
    await kit.run("home", sleeps, { nodeName: "node-1", nodeSelector: { disk: "fast" } });
    await kit.ready("home");
    await kit.delete("home", "holder", ...cases.map(([name]) => name));
  });
});

describe("a pod that the node cannot do without", () => {
  it("has room made for it, by the end of another", async () => {
    const { cpu } = (await node.get<any>("node", "node-1")).status.allocatable;
    const milliCpu = cpu.endsWith("m") ? Number.parseInt(cpu) : Number(cpu) * 1000;
    const most = { ...sleeps, resources: { requests: { cpu: `${Math.floor(milliCpu * 0.8)}m` } } };
    await kit.run("common", most);
    await kit.ready("common");
    await kit.run("vital", most, { nodeName: "node-1", priorityClassName: "system-node-critical" });
    await kit.ready("vital");
    const message = "Preempted in order to admit critical pod";
    const common = await kit.phase("common", "Failed");
    expect(common.status).toMatchObject({ reason: "Preempting", message });
    const disruption = { status: "True", reason: "TerminationByKubelet", message };
    expect(conditionOf(common, "DisruptionTarget")).toMatchObject(disruption);
    await kit.event("common", /^Warning Preempting Preempted in order to admit critical pod$/);
    await neighbourIsWell();
    await kit.delete("common", "vital");
  });
});

describe("a kubelet that was away", () => {
  it("removes the groups of pods that were deleted meanwhile, with what runs in them", async () => {
    await kit.run("left", sleeps);
    const { uid } = (await kit.ready("left")).metadata;
    await node.killKubelet();
    await node.run(["delete", "pod", "left", "--grace-period=0", "--force"]);
    await node.startKubelet();
    const own = `${node.containerd.cgroupRoot}/kubepods/besteffort/pod${uid}`;
    await eventually("the end of its group", () => cgroupFolders(own).length === 0, 20_000);
    await neighbourIsWell();
  });
});
