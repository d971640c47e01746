/** Control groups of this kernel: bounded, and gone with all that runs in them. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { readHierarchies, type Hierarchies } from "../../../src/kubelet/cgroups/hierarchies.ts";
import { NodeCgroups } from "../../../src/kubelet/cgroups/manager.ts";
import { CgroupTree } from "../../../src/kubelet/cgroups/tree.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { cgroupFolders } from "../../fixtures/container_remains.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { podOf } from "../../fixtures/kubelet_objects.ts";
import { uniqueName } from "../../fixtures/namespace.ts";

const hierarchies = await readHierarchies();
const root = uniqueName();
const unified = hierarchies.all.find((mount) => existsSync(path.join(mount, "cgroup.controllers")));

afterEach(async () => {
  await new CgroupTree(hierarchies, "cgroupfs", systemClock).remove([root]);
  expect(cgroupFolders(root)).toEqual([]);
});

function managerOf(tree: CgroupTree, changes: object = {}): { manager: NodeCgroups; events: string[] } {
  const events: string[] = [];
  const settings = {
    ...{
      cgroupRoot: `/${root}`,
      cgroupDriver: "cgroupfs",
      cgroupsPerQos: true,
      cpuCfsQuota: true,
      cpuCfsPeriodUs: 100_000,
    },
    ...{ podPids: 20, hugepageSizes: [], enforces: ["pods"], kubeReserved: { memory: "1Gi" }, systemReserved: {} },
    ...{ kubeReservedCgroup: "", systemReservedCgroup: "" },
    ...changes,
  } as const;
  const manager = new NodeCgroups({
    tree,
    settings: settings as never,
    capacity: { cpus: 2, memoryBytes: 4 * 2 ** 30, pids: 1000 },
    events: { event: (_about, type, reason, message) => void events.push(`${type} ${reason} ${message}`) },
    node: { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
    clock: systemClock,
    onError: (attempted, error) => void events.push(`${attempted}: ${String(error)}`),
  });
  return { manager, events };
}

/** A shell that is in the group before it goes on. */
async function runIn(folder: string, script: string): Promise<ChildProcess> {
  const child = spawn("bash", ["-c", `read go; ${script}`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  writeFileSync(path.join(folder, "cgroup.procs"), String(child.pid));
  child.stdin.end("go\n");
  return child;
}

const membersOf = (folder: string): number =>
  readFileSync(path.join(folder, "cgroup.procs"), "utf8").split("\n").length - 1;

describe.runIf(hierarchies.version === 1)("cgroup v1", () => {
  const tree = new CgroupTree(hierarchies, "cgroupfs", systemClock);
  const value = (controller: "cpu" | "memory" | "pids", ...parts: string[]): string =>
    readFileSync(path.join(hierarchies.mounts.get(controller)!, root, "kubepods", ...parts), "utf8").trim();

  it("holds all pods, their classes and each pod to what they may use", async () => {
    const { manager, events } = managerOf(tree);
    const limits = { cpu: "500m", memory: "64Mi" };
    const asked = { name: "main", resources: { requests: { ...limits, cpu: "250m" }, limits } };
    const pod = podOf({ containers: [asked] });
    await manager.start(() => [pod]);
    await manager.ensure(pod);
    expect(value("memory", "memory.limit_in_bytes")).toBe(String(3 * 2 ** 30));
    expect([value("cpu", "cpu.shares"), value("pids", "pids.max")]).toEqual(["2048", "1000"]);
    expect([value("cpu", "burstable/cpu.shares"), value("cpu", "besteffort/cpu.shares")]).toEqual(["256", "2"]);
    const own = `burstable/pod${pod.metadata.uid}`;
    expect(value("cpu", own, "cpu.cfs_quota_us")).toBe("50000");
    expect(value("memory", own, "memory.limit_in_bytes")).toBe(String(64 * 2 ** 20));
    expect(value("pids", own, "pids.max")).toBe("20");
    expect(events).toEqual(["Normal NodeAllocatableEnforced Updated Node Allocatable limit across pods"]);
    manager.stop();
  });

  it("ends with a fork bomb in it, and pods that nobody knows go", async () => {
    const { manager } = managerOf(tree);
    const pod = podOf();
    await manager.start(() => []);
    await manager.ensure(pod);
    const folder = path.join(hierarchies.mounts.get("pids")!, root, "kubepods/besteffort", `pod${pod.metadata.uid}`);
    const bomb = await runIn(folder, "while :; do sleep 1000 & done");
    await eventually("as many processes as may be", () => membersOf(folder) >= 15);
    expect(membersOf(folder)).toBeLessThanOrEqual(20);
    await manager.removeLeftovers((uid) => uid === pod.metadata.uid);
    expect(await manager.uids()).toEqual([pod.metadata.uid]);
    await manager.removeLeftovers(() => false);
    expect(await manager.uids()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
    await eventually("its end", () => bomb.signalCode === "SIGKILL");
    manager.stop();
  });

  it("holds what is reserved for the system to it, where its group is there", async () => {
    const reserved = { systemReserved: { cpu: "100m", memory: "100Mi" }, systemReservedCgroup: `/${root}/system` };
    const { manager, events } = managerOf(tree, { ...reserved, enforces: ["pods", "system-reserved"] });
    await expect(manager.start(() => [])).rejects.toThrow("cgroup does not exist");
    expect(events.at(-1)).toMatch(
      /^Warning FailedNodeAllocatableEnforcement Failed to enforce System Reserved Cgroup Limits on /,
    );
    await tree.apply([root, "system"], {});
    await manager.start(() => []);
    const file = path.join(hierarchies.mounts.get("memory")!, root, "system/memory.limit_in_bytes");
    expect(readFileSync(file, "utf8").trim()).toBe(String(100 * 2 ** 20));
    expect(events.at(-1)).toBe(
      `Normal NodeAllocatableEnforced Updated limits on system reserved cgroup /${root}/system`,
    );
    manager.stop();
  });
});

describe.runIf(unified !== undefined)("cgroup v2", () => {
  const own: Hierarchies = { version: 2, mounts: new Map([["hugetlb", unified!]]), all: [unified!] };
  const tree = new CgroupTree(own, "cgroupfs", systemClock);

  it("gives controllers to what is below, and ends with what runs in it", async () => {
    const has = readFileSync(path.join(unified!, "cgroup.controllers"), "utf8").includes("hugetlb");
    await tree.apply([root, "pod"], { hugepages: new Map([[2 ** 21, 0]]) });
    const folder = path.join(unified!, root, "pod");
    if (has) expect(readFileSync(path.join(folder, "hugetlb.2MB.max"), "utf8")).toBe("0\n");
    const child = await runIn(folder, "sleep 1000 & sleep 1000");
    await eventually("its processes", () => membersOf(folder) === 3);
    await tree.remove([root]);
    expect(existsSync(folder)).toBe(false);
    await eventually("its end", () => child.signalCode === "SIGKILL");
  });
});
