/** Control groups of pods: where they are, what bounds them, and how either version of the kernel's interface is told. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { allPodsLimits, podCgroupLimits, reservedLimits, tierLimits } from "../../../src/kubelet/cgroups/derive.ts";
import { hierarchiesOf } from "../../../src/kubelet/cgroups/hierarchies.ts";
import { literalName, podCgroupName, podUidOfFolder } from "../../../src/kubelet/cgroups/names.ts";
import { cgroupFiles, pageSizeName, weightOf } from "../../../src/kubelet/cgroups/render.ts";
import { systemdSlices } from "../../../src/kubelet/cgroups/systemd.ts";
import { CgroupTree } from "../../../src/kubelet/cgroups/tree.ts";
import { containerResources, sandboxResources } from "../../../src/kubelet/pods/render/resources.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { podOf } from "../../fixtures/kubelet_objects.ts";

const settings = { cpuCfsQuota: true, cpuCfsPeriodUs: 100_000, podPids: -1, hugepageSizes: [] };
const place = { cgroupRoot: "", cgroupDriver: "cgroupfs", cgroupsPerQos: true } as const;
const asks = (requests: Record<string, string>, limits: Record<string, string> = {}) => ({
  name: "main",
  resources: { requests, limits },
});

describe("names of control groups", () => {
  it("are folders or slices, and lead back to the pod", () => {
    const name = podCgroupName(place, "a-b", "Burstable");
    expect(literalName(name, "cgroupfs")).toBe("/kubepods/burstable/poda-b");
    expect(literalName(name, "systemd")).toBe(
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_b.slice",
    );
    expect(podUidOfFolder("poda-b", "cgroupfs")).toBe("a-b");
    expect(podUidOfFolder("kubepods-burstable-poda_b.slice", "systemd")).toBe("a-b");
    expect(podUidOfFolder("kubepods-burstable.slice", "systemd")).toBeUndefined();
    expect(podUidOfFolder("burstable", "cgroupfs")).toBeUndefined();
  });
});

describe("limits of a pod's control group", () => {
  it("are the sum of its containers', where each has one", () => {
    const bounded = asks({ cpu: "250m", memory: "64Mi" }, { cpu: "500m", memory: "128Mi" });
    const pod = podOf({ containers: [bounded, { ...bounded, name: "other" }] });
    expect(podCgroupLimits(pod, settings)).toEqual({
      ...{ cpuShares: 512, cpuQuotaUs: 100_000, cpuPeriodUs: 100_000, memoryBytes: 256 * 2 ** 20 },
    });
    const open = podOf({ containers: [bounded, asks({ cpu: "100m" })] });
    expect(podCgroupLimits(open, settings)).toEqual({ cpuShares: 358 });
  });

  it("have overhead on top, the largest init container, and the pod's own limits before all", () => {
    const spec = { overhead: { cpu: "100m", memory: "10Mi" } };
    const limits = { cpu: "1", memory: "100Mi" };
    const guaranteed = podOf({ containers: [asks(limits, limits)], spec });
    expect(podCgroupLimits(guaranteed, settings)).toMatchObject({
      cpuShares: 1126,
      cpuQuotaUs: 110_000,
      memoryBytes: 110 * 2 ** 20,
    });
    const init = [asks({ cpu: "3" }, { cpu: "3", memory: "1Gi" })];
    const withInit = podOf({ containers: [asks(limits, limits)], init });
    expect(podCgroupLimits(withInit, settings)).toMatchObject({
      cpuShares: 3072,
      cpuQuotaUs: 300_000,
      memoryBytes: 2 ** 30,
    });
    const whole = podOf({ containers: [{ name: "main" }], spec: { resources: { limits: { memory: "50Mi" } } } });
    expect(podCgroupLimits(whole, settings)).toMatchObject({ memoryBytes: 50 * 2 ** 20 });
  });

  it("bound processes by podPidsLimit, and huge pages to those asked for", () => {
    const best = podOf({ containers: [{ name: "main" }] });
    expect(podCgroupLimits(best, { ...settings, podPids: 77 })).toEqual({ cpuShares: 2, pids: 77 });
    const sizes = [2 ** 21, 2 ** 30];
    const huge = podOf({ containers: [asks({ memory: "1Mi", "hugepages-2Mi": "4Mi" }, { "hugepages-2Mi": "4Mi" })] });
    const limits = podCgroupLimits(huge, { ...settings, hugepageSizes: sizes });
    expect(limits.hugepages).toEqual(
      new Map([
        [2 ** 21, 2 ** 22],
        [2 ** 30, 0],
      ]),
    );
  });

  it("have no quota where quotas are off", () => {
    const limits = { cpu: "1", memory: "100Mi" };
    const pod = podOf({ containers: [asks(limits, limits)] });
    expect(podCgroupLimits(pod, { ...settings, cpuCfsQuota: false }).cpuQuotaUs).toBe(-1);
  });
});

describe("limits above pods", () => {
  it("are shares for the tiers by what burstable pods ask for", () => {
    const pods = [podOf({ containers: [asks({ cpu: "1500m" })] }), podOf({ containers: [{ name: "main" }] })];
    expect(tierLimits(pods, [])).toEqual({ Burstable: { cpuShares: 1536 }, BestEffort: { cpuShares: 2 } });
    expect(tierLimits([], [2 ** 21]).BestEffort).toEqual({ cpuShares: 2, hugepages: new Map([[2 ** 21, 2 ** 62]]) });
  });

  it("are what the node has, without what is reserved", () => {
    const capacity = { cpus: 4, memoryBytes: 2 ** 33, pids: 1000 };
    expect(allPodsLimits(capacity, [])).toEqual({ cpuShares: 4096, memoryBytes: 2 ** 33, pids: 1000 });
    const reserved = [
      { cpu: "500m", memory: "1Gi" },
      { cpu: "500m", pid: "100" },
    ];
    expect(allPodsLimits(capacity, reserved)).toEqual({ cpuShares: 3072, memoryBytes: 7 * 2 ** 30, pids: 900 });
    expect(reservedLimits({ cpu: "1", memory: "1Gi", pid: "5" }, false)).toEqual({
      ...{ cpuShares: 1024, memoryBytes: 2 ** 30, pids: 5 },
    });
    expect(reservedLimits({ cpu: "1", memory: "1Gi", pid: "5" }, true)).toEqual({ cpuShares: 1024 });
  });
});

describe("a container's resources", () => {
  const node = {
    memoryCapacityBytes: 3000,
    cpuCfsQuota: true,
    cpuCfsPeriodUs: 100_000,
    cgroupVersion: 1,
    killsOneProcess: true,
    hugepageSizes: [],
  } as const;
  const burstable = (bytes: string) => asks({ memory: bytes });
  const scoreOf = (pod: ReturnType<typeof podOf>, container: object): number | undefined =>
    containerResources(pod, container as never, node).oomScoreAdj;

  it("have upstream's score: whole thousandths are taken away, and none is as bad as best effort", () => {
    const pod = (bytes: string) => podOf({ containers: [burstable(bytes)] });
    expect(scoreOf(pod("1000"), burstable("1000"))).toBe(667);
    expect(scoreOf(pod("1"), burstable("1"))).toBe(999);
    expect(scoreOf(pod("3000"), burstable("3000"))).toBe(3);
    const sidecar = { name: "side", restartPolicy: "Always" };
    expect(scoreOf(podOf({ containers: [burstable("1000")], init: [sidecar] }), sidecar)).toBe(667);
    const critical = podOf({ spec: { priorityClassName: "system-node-critical", priority: 2_000_001_000 } });
    expect(scoreOf(critical, { name: "main" })).toBe(-997);
  });

  it("have at least 2 shares and 1 ms, and with cgroup v2 no swap", () => {
    const container = asks({ cpu: "1m", memory: "10" }, { cpu: "1m", memory: "20" });
    const pod = podOf({ containers: [container] });
    expect(containerResources(pod, container, node)).toMatchObject({
      cpuShares: 2,
      cpuQuota: 1000,
      cpuPeriod: 100_000,
      memoryLimitInBytes: 20,
    });
    expect(containerResources(pod, container, node)).not.toHaveProperty("memorySwapLimitInBytes");
    const unified = { ...node, cgroupVersion: 2, killsOneProcess: false, hugepageSizes: [2 ** 21] } as const;
    expect(containerResources(pod, container, unified)).toMatchObject({
      memorySwapLimitInBytes: 20,
      unified: { "memory.oom.group": "1" },
      hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
    });
  });

  it("are told to the sandbox as a whole, overhead apart", () => {
    const limits = { cpu: "1", memory: "100" };
    const pod = podOf({ containers: [asks(limits, limits)], spec: { overhead: { cpu: "250m", memory: "7" } } });
    expect(sandboxResources(pod, node)).toEqual({
      resources: { cpuShares: 1024, cpuPeriod: 100_000, cpuQuota: 100_000, memoryLimitInBytes: 100 },
      overhead: { cpuShares: 256, cpuPeriod: 100_000, cpuQuota: 25_000, memoryLimitInBytes: 7 },
    });
  });
});

describe("files of a control group", () => {
  const all = {
    cpuShares: 1024,
    cpuQuotaUs: 50_000,
    cpuPeriodUs: 100_000,
    memoryBytes: 2 ** 20,
    pids: 9,
    hugepages: new Map([[2 ** 21, 0]]),
  };
  const text = (limits: object, version: 1 | 2) =>
    cgroupFiles(limits, version).map(({ file, value }) => `${file}=${value}`);

  it("are each version's own", () => {
    expect(text(all, 1)).toEqual([
      ...["cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000"],
      ...["memory.limit_in_bytes=1048576", "pids.max=9", "hugetlb.2MB.limit_in_bytes=0"],
    ]);
    expect(text(all, 2)).toEqual([
      ...["cpu.weight=39", "cpu.max=50000 100000", "memory.max=1048576", "pids.max=9", "hugetlb.2MB.max=0"],
    ]);
    expect(text({ cpuQuotaUs: -1, cpuPeriodUs: 100_000, memoryBytes: -1, pids: -1 }, 2)).toEqual([
      ...["cpu.max=max 100000", "memory.max=max", "pids.max=max"],
    ]);
    expect([2, 1024, 262_144].map(weightOf)).toEqual([1, 39, 10_000]);
    expect([2 ** 16, 2 ** 21, 2 ** 30].map(pageSizeName)).toEqual(["64KB", "2MB", "1GB"]);
  });

  it("are in what is mounted: one place, or one a controller", () => {
    const line = (point: string, type: string, options: string) =>
      `30 25 0:26 / ${point} rw - ${type} none rw,${options}`;
    const v1 = [
      line("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "cpu,cpuacct"),
      line("/sys/fs/cgroup/memory", "cgroup", "memory"),
      line("/sys/fs/cgroup/unified", "cgroup2", ""),
    ];
    expect(hierarchiesOf(v1.join("\n"))).toEqual({
      version: 1,
      mounts: new Map([
        ["cpu", "/sys/fs/cgroup/cpu,cpuacct"],
        ["memory", "/sys/fs/cgroup/memory"],
      ]),
      all: ["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"],
    });
    const v2 = hierarchiesOf(line("/sys/fs/cgroup", "cgroup2", ""));
    expect([v2.version, v2.mounts.get("memory"), v2.all]).toEqual([2, "/sys/fs/cgroup", ["/sys/fs/cgroup"]]);
  });
});

describe("a tree of cgroup v2, of files", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "fairlead-cgroup-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const read = (...parts: string[]) => readFileSync(path.join(root, ...parts), "utf8");

  it("is made from the root down, each level giving controllers to the next", async () => {
    writeFileSync(path.join(root, "cgroup.controllers"), "cpuset cpu io memory pids\n");
    writeFileSync(path.join(root, "cgroup.subtree_control"), "cpu\n");
    mkdirSync(path.join(root, "kubepods"));
    writeFileSync(path.join(root, "kubepods/cgroup.controllers"), "cpu memory pids\n");
    const controllers = ["cpu", "memory", "pids", "hugetlb"] as const;
    const tree = new CgroupTree(
      { version: 2, mounts: new Map(controllers.map((one) => [one, root])), all: [root] },
      "cgroupfs",
      systemClock,
    );
    await tree.apply(["kubepods", "podx"], { cpuShares: 2, memoryBytes: 5, hugepages: new Map([[2 ** 21, 0]]) });
    expect(read("cgroup.subtree_control")).toBe("+memory +pids");
    expect(read("kubepods/cgroup.subtree_control")).toBe("+cpu +memory +pids");
    expect([read("kubepods/podx/cpu.weight"), read("kubepods/podx/memory.max")]).toEqual(["1", "5"]);
    expect(await tree.below(["kubepods"])).toEqual(["podx"]);
  });
});

describe("systemd", () => {
  it("is told of each slice, and of what bounds it", async () => {
    const calls: (readonly string[])[] = [];
    const slices = systemdSlices(2, async (args) => void calls.push(args));
    await slices.make(["kubepods", "poda-b"], {
      cpuShares: 1024,
      cpuQuotaUs: 25_000,
      cpuPeriodUs: 100_000,
      memoryBytes: 5,
      pids: -1,
    });
    const [made = []] = calls;
    expect(made.slice(0, 4)).toEqual(["StartTransientUnit", "ssa(sv)a(sa(sv))", "kubepods-poda_b.slice", "replace"]);
    const text = made.slice(4).join(" ");
    expect(text).toMatch(/^10 Description s .* Wants as 1 kubepods\.slice .*TasksAccounting b true CPUWeight t 39 /);
    expect(text).toMatch(/ CPUQuotaPerSecUSec t 250000 MemoryMax t 5 TasksMax t 18446744073709551615 0$/);
    await slices.remove(["kubepods", "poda-b"]);
    expect(calls[1]).toEqual(["StopUnit", "ss", "kubepods-poda_b.slice", "replace"]);
  });

  it("that has the slice already is told of its bounds alone", async () => {
    const calls: string[] = [];
    const slices = systemdSlices(1, async ([method = "", ...rest]) => {
      calls.push([method, ...rest].join(" "));
      if (method === "StartTransientUnit") throw new Error("Unit kubepods.slice already exists.");
    });
    await slices.make(["kubepods"], { cpuShares: 2 });
    expect(calls[1]).toBe("SetUnitProperties sba(sv) kubepods.slice true 1 CPUShares t 2");
  });
});
