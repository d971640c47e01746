/** What control groups tell → the forms in which the kubelet tells it. */
import { describe, expect, it } from "vitest";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import type { Runtime } from "../../../src/kubelet/cri/runtime.ts";
import { requestLabels } from "../../../src/kubelet/server/metrics/endpoints.ts";
import { KubeletMetrics } from "../../../src/kubelet/server/metrics/kubelet_metrics.ts";
import { measuredRuntime } from "../../../src/kubelet/server/metrics/measured_runtime.ts";
import { ProbeMetrics } from "../../../src/kubelet/server/metrics/probe_metrics.ts";
import { renderFamilies } from "../../../src/kubelet/server/metrics/text.ts";
import { cadvisorFamilies } from "../../../src/kubelet/server/stats/cadvisor_metrics.ts";
import { decodeGroup, decodeLinks, decodeMeminfo } from "../../../src/kubelet/stats/decode.ts";
import { resourceFamilies } from "../../../src/kubelet/server/stats/resource_metrics.ts";
import type { Measured, NodeSnapshot } from "../../../src/kubelet/server/stats/snapshot.ts";
import { summaryOf } from "../../../src/kubelet/server/stats/summary.ts";
import { FakeRuntime } from "../../fixtures/fake_runtime.ts";

const files = (table: Record<string, string>) => (controller: string, file: string) => table[`${controller}/${file}`];

const v1 = files({
  "cpuacct/cpuacct.usage": "2500000000",
  "cpuacct/cpuacct.usage_user": "2000000000",
  "cpuacct/cpuacct.usage_sys": "500000000",
  "cpu/cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 90000000",
  "memory/memory.usage_in_bytes": "1000",
  "memory/memory.limit_in_bytes": "9223372036854771712",
  "memory/memory.stat":
    "cache 1\ninactive_file 900\ntotal_cache 400\ntotal_rss 500\ntotal_mapped_file 30\ntotal_swap 5\ntotal_inactive_file 300\ntotal_pgfault 11\ntotal_pgmajfault 2",
  "memory/memory.max_usage_in_bytes": "1200",
  "memory/memory.failcnt": "3",
  "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1",
  "pids/pids.current": "4",
});

const v2 = files({
  "cpu/cpu.stat":
    "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 7\nnr_throttled 2\nthrottled_usec 90000",
  "memory/memory.current": "1000",
  "memory/memory.max": "max",
  "memory/memory.stat": "anon 500\nfile 400\nfile_mapped 30\ninactive_file 300\npgfault 11\npgmajfault 2",
  "memory/memory.swap.current": "5",
  "memory/memory.peak": "1200",
  "memory/memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1",
  "pids/pids.current": "4",
});

describe("a control group", () => {
  it("tells the same with either version", () => {
    const use = decodeGroup(1, v1);
    expect(use).toEqual({
      cpu: {
        usageNanos: 2.5e9,
        userNanos: 2e9,
        systemNanos: 5e8,
        periods: 7,
        throttledPeriods: 2,
        throttledNanos: 9e7,
      },
      memory: {
        usageBytes: 1000,
        workingSetBytes: 700,
        rssBytes: 500,
        cacheBytes: 400,
        mappedBytes: 30,
        swapBytes: 5,
        maxUsageBytes: 1200,
        limitBytes: 0,
        failures: 3,
        pageFaults: 11,
        majorPageFaults: 2,
        oomKills: 1,
      },
      processes: 4,
    });
    expect(decodeGroup(2, v2)).toEqual(use);
  });

  it("that is gone tells nothing", () => {
    expect(decodeGroup(1, () => undefined)).toEqual({ cpu: undefined, memory: undefined, processes: 0 });
    expect(decodeGroup(2, () => undefined)).toEqual({ cpu: undefined, memory: undefined, processes: 0 });
  });
});

describe("the kernel's tables", () => {
  it("tell of links, but for the loopback", () => {
    const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:    1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0`;
    const own = { rxBytes: 1000, rxPackets: 10, rxErrors: 1, rxDropped: 2 };
    expect(decodeLinks(text)).toEqual([
      { name: "eth0", ...own, txBytes: 2000, txPackets: 20, txErrors: 3, txDropped: 4 },
    ]);
  });

  it("tell of the node's memory", () => {
    const text =
      "MemTotal: 1000 kB\nMemFree: 300 kB\nInactive(file): 200 kB\nAnonPages: 50 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n";
    expect(decodeMeminfo(text)).toEqual({
      totalBytes: 1_024_000,
      usageBytes: 716_800,
      workingSetBytes: 512_000,
      rssBytes: 51_200,
      swapTotalBytes: 10_240,
      swapUsedBytes: 6144,
    });
  });
});

const timeMs = Date.UTC(2026, 0, 1);
const use = (group: string): Measured => ({ ...decodeGroup(1, v1), group, timeMs, usageNanoCores: 250 });
const fs = { availableBytes: 60, capacityBytes: 100, usedBytes: 40, inodesFree: 7, inodes: 10 };
const link = {
  name: "eth0",
  rxBytes: 1,
  rxPackets: 2,
  rxErrors: 3,
  rxDropped: 4,
  txBytes: 5,
  txPackets: 6,
  txErrors: 7,
  txDropped: 8,
};
const node: NodeSnapshot = {
  name: "n1",
  timeMs,
  bootMs: timeMs - 60_000,
  cpus: 2,
  use: { ...use("/"), memory: undefined },
  memory: {
    totalBytes: 5000,
    usageBytes: 3000,
    workingSetBytes: 2000,
    rssBytes: 900,
    swapTotalBytes: 10,
    swapUsedBytes: 4,
  },
  links: [],
  fs,
  imageFs: fs,
  processes: { most: 100, running: 9 },
  allPods: use("/kubepods"),
  pods: [
    {
      name: "web",
      namespace: "default",
      uid: "u1",
      startedAtMs: timeMs,
      use: use("/kubepods/podu1"),
      links: [link],
      containers: [
        {
          name: "main",
          id: "c1",
          image: 'we"b',
          startedAtMs: timeMs + 500,
          use: use("/kubepods/podu1/c1"),
          rootfs: { bytes: 11, inodes: 1 },
          logs: { bytes: 22, inodes: 2 },
        },
      ],
      volumes: [{ name: "data", fs, claim: "mine" }],
    },
  ],
};

describe("a snapshot", () => {
  it("is a summary", () => {
    const { node: whole, pods } = summaryOf(node) as { node: object; pods: object[] };
    const time = "2026-01-01T00:00:00Z";
    expect(whole).toMatchObject({
      nodeName: "n1",
      cpu: { time, usageNanoCores: 250, usageCoreNanoSeconds: 2.5e9 },
      memory: { availableBytes: 3000, usageBytes: 3000, workingSetBytes: 2000 },
      fs: { capacityBytes: 100, inodesUsed: 3 },
      rlimit: { maxpid: 100, curproc: 9 },
    });
    expect(pods[0]).toMatchObject({
      podRef: { name: "web", namespace: "default", uid: "u1" },
      network: { name: "eth0", rxBytes: 1, txErrors: 7, interfaces: [{ name: "eth0" }] },
      volume: [{ name: "data", usedBytes: 40, pvcRef: { name: "mine", namespace: "default" } }],
      "ephemeral-storage": { usedBytes: 33, inodesUsed: 3, capacityBytes: 100 },
      process_stats: { process_count: 4 },
      containers: [
        { name: "main", rootfs: { usedBytes: 11 }, logs: { usedBytes: 22 }, memory: { workingSetBytes: 700 } },
      ],
    });
    expect(Object.keys((summaryOf(node, true) as { pods: object[] }).pods[0]!).sort()).toEqual([
      "containers",
      "cpu",
      "memory",
      "podRef",
      "startTime",
    ]);
  });

  it("is what a metrics-server reads", () => {
    const text = renderFamilies(resourceFamilies(node));
    const labels = 'container="main",namespace="default",pod="web"';
    for (const line of [
      `node_cpu_usage_seconds_total 2.5 ${timeMs}`,
      `node_memory_working_set_bytes 2000 ${timeMs}`,
      `container_cpu_usage_seconds_total{${labels}} 2.5 ${timeMs}`,
      `container_memory_working_set_bytes{${labels}} 700 ${timeMs}`,
      `container_start_time_seconds{${labels}} ${(timeMs + 500) / 1000}`,
      `pod_memory_working_set_bytes{namespace="default",pod="web"} 700 ${timeMs}`,
      "resource_scrape_error 0",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
    expect(renderFamilies(resourceFamilies(undefined))).toContain("resource_scrape_error 1");
  });

  it("is what cAdvisor tells, of the node, of all pods, of each and of their containers", () => {
    const text = renderFamilies(cadvisorFamilies(node, { kernelVersion: "6" }));
    const ids = [...text.matchAll(/^container_cpu_usage_seconds_total\{.*id="([^"]*)".*cpu="total"\}/gm)].map(
      ([, id]) => id,
    );
    expect(ids).toEqual(["/", "/kubepods", "/kubepods/podu1", "/kubepods/podu1/c1"]);
    expect(text).toContain('image="we\\"b"');
    expect(text).toMatch(/^container_memory_working_set_bytes\{.*id="\/"\} 2000 /m);
    expect(text).toMatch(/^container_network_transmit_bytes_total\{.*pod="web",interface="eth0"\} 5 /m);
    expect(text).toContain(`# TYPE container_memory_failures_total counter`);
    // Each family once: two of a name are an error to Prometheus.
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("a runtime that is measured", () => {
  it("answers as it does, and each call counts", async () => {
    const metrics = new KubeletMetrics("n1");
    const fake = new FakeRuntime();
    const runtime = measuredRuntime<Runtime>(fake, metrics);
    expect((await runtime.version()).runtimeName).toBe("containerd");
    fake.holds.set("StopContainer", () => {
      throw new FairleadError("CRI_REFUSED", { subject: "stop", reason: "rpc error: code = Internal desc = no" });
    });
    await expect(runtime.stopContainer("c", 1)).rejects.toThrow("code = Internal");
    const text = await metrics.registry.metrics();
    expect(text).toContain('kubelet_runtime_operations_total{operation_type="version"} 1');
    expect(text).toContain('kubelet_runtime_operations_errors_total{operation_type="stop_container"} 1');
    expect(text).toContain('kubelet_runtime_operations_duration_seconds_count{operation_type="stop_container"} 1');
  });
});

describe("probes", () => {
  it("count by result as long as their pod is there", () => {
    const metrics = new ProbeMetrics();
    const about = { kind: "liveness", container: "main", pod: "web", namespace: "default", uid: "u1" } as const;
    metrics.probed(about, "successful", 0.02);
    metrics.probed(about, "successful", 20);
    metrics.probed(about, "failed", 0.001);
    const text = renderFamilies(metrics.families());
    const labels = 'container="main",namespace="default",pod="web"';
    expect(text).toContain(`prober_probe_total{${labels},pod_uid="u1",probe_type="Liveness",result="successful"} 2\n`);
    expect(text).toContain(`prober_probe_duration_seconds_bucket{${labels},probe_type="Liveness",le="0.025"} 2\n`);
    expect(text).toContain(`prober_probe_duration_seconds_bucket{${labels},probe_type="Liveness",le="+Inf"} 3\n`);
    metrics.forgotten("u1");
    expect(renderFamilies(metrics.families())).toBe("");
  });
});

describe("requests", () => {
  it.each([
    ["GET", "/metrics/cadvisor", "metrics/cadvisor", "false"],
    ["POST", "/exec/a/b/c", "exec", "true"],
    ["GET", "/secret/path", "other", "false"],
  ])("%s %s count under a name of few", (method, at, name, long) => {
    expect(requestLabels(method, at, false)).toEqual({
      method,
      path: name,
      server_type: "readwrite",
      long_running: long,
    });
  });
});
