/** /metrics: each number moves with what it is of. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { RequestMetrics } from "../../../src/api/http/request_metrics.ts";
import type { Hierarchies } from "../../../src/kubelet/cgroups/hierarchies.ts";
import { CgroupTree } from "../../../src/kubelet/cgroups/tree.ts";
import { NodeStartup } from "../../../src/kubelet/node/startup.ts";
import type { PodState } from "../../../src/kubelet/pods/pod_state.ts";
import { PodStart } from "../../../src/kubelet/pods/start_times.ts";
import { RuntimeEvents } from "../../../src/kubelet/runtime_events.ts";
import { fileFamilies } from "../../../src/kubelet/server/metrics/file_metrics.ts";
import { KubeletMetrics } from "../../../src/kubelet/server/metrics/kubelet_metrics.ts";
import { imageSize, rejectionReason } from "../../../src/kubelet/server/metrics/labels.ts";
import { renderFamilies } from "../../../src/kubelet/server/metrics/text.ts";
import { podIndex } from "../../../src/kubelet/server/pod_index.ts";
import { readVolumes } from "../../../src/kubelet/server/stats/volumes.ts";
import type { ContainerEventObserver, Runtime } from "../../../src/kubelet/cri/runtime.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { containerOf, observedOf, podOf } from "../../fixtures/kubelet_objects.ts";

/** Lines of a metric, without its comments. */
async function lines(metrics: KubeletMetrics, name: string): Promise<readonly string[]> {
  const text = await metrics.registry.metrics();
  return text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

describe("labels", () => {
  it.each([
    [0, "0-10MB"],
    [10 * 2 ** 20 - 1, "0-10MB"],
    [10 * 2 ** 20, "10MB-100MB"],
    [2 ** 30, "1GB-5GB"],
    [100 * 2 ** 30, "GT100GB"],
  ])("put an image of %d bytes with others of %s", (bytes, label) => expect(imageSize(bytes)).toBe(label));

  it.each([
    ["OutOfcpu", "OutOfcpu"],
    ["OutOfexample.com/gpu", "OutOfExtendedResources"],
    ["NodeAffinity", "Other"],
    ["Evicted", "Evicted"],
  ])("call a rejection for %s %s", (reason, label) => expect(rejectionReason(reason)).toBe(label));
});

describe("a pod's start", () => {
  const created = Date.parse("2026-01-01T12:00:00Z");
  const metadata = { creationTimestamp: "2026-01-01T12:00:00Z" };
  const seen = podOf({ metadata });
  const at = (seconds: number) => new Date(created + seconds * 1000).toISOString();
  const running = { state: { running: { startedAt: at(9) } } };
  const shown = (shape: { status?: object; spec?: object; init?: readonly object[] } = {}): Pod =>
    podOf({ metadata, ...shape, status: { containerStatuses: [{ name: "main", ...running }], ...shape.status } });

  it("is counted to the watch that shows it, and pulls and init containers are taken off once", () => {
    const start = new PodStart(seen);
    start.pulled(created + 1000, created + 3000);
    start.pulled(created + 2000, created + 4000);
    const init = [{ name: "first" }, { name: "beside", restartPolicy: "Always" }];
    const ran = (name: string) => ({ name, state: { terminated: { startedAt: at(3), finishedAt: at(6) } } });
    const pod = shown({ init, status: { initContainerStatuses: [ran("first"), ran("beside")] } });
    expect(
      start.shown(podOf({ metadata, status: { containerStatuses: [{ name: "main" }] } }), created),
    ).toBeUndefined();
    // From 1 s to 6 s it was not the node's.
    expect(start.shown(pod, created + 10_000)).toEqual({ totalSeconds: 10, sliSeconds: 5, isHostNetwork: false });
    expect(start.shown(pod, created + 11_000)).toBeUndefined();
  });

  it("is of no service level where it waited for room, was taken up before, or has volumes of its own time", () => {
    const unscheduled = { conditions: [{ type: "PodScheduled", status: "False" }] };
    expect(new PodStart(podOf({ metadata, status: unscheduled })).shown(shown(), created)).toBeUndefined();
    expect(new PodStart(podOf({ metadata, status: { startTime: at(1) } })).shown(shown(), created)).toBeUndefined();
    const claim = shown({ spec: { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] } });
    expect(new PodStart(seen).shown(claim, created + 1000)).toMatchObject({ totalSeconds: 1, sliSeconds: undefined });
  });

  it("of the first with a network is told alone", async () => {
    const metrics = new KubeletMetrics("n1");
    metrics.shownStarted({ totalSeconds: 5, sliSeconds: 4, isHostNetwork: true });
    metrics.shownStarted({ totalSeconds: 3, sliSeconds: 2, isHostNetwork: false });
    metrics.shownStarted({ totalSeconds: 2, sliSeconds: 1, isHostNetwork: false });
    metrics.shownStarted({ totalSeconds: 9, sliSeconds: undefined, isHostNetwork: false });
    const first = "kubelet_first_network_pod_start_sli_duration_seconds";
    expect(await lines(metrics, first)).toEqual([`${first} 2`]);
    expect(await lines(metrics, "kubelet_pod_start_sli_duration_seconds_count")).toEqual([
      "kubelet_pod_start_sli_duration_seconds_count 3",
    ]);
    expect(await lines(metrics, "kubelet_pod_start_total_duration_seconds_sum")).toEqual([
      "kubelet_pod_start_total_duration_seconds_sum 19",
    ]);
  });
});

describe("pods are counted when somebody asks", () => {
  const fixed = { "kubernetes.io/config.source": "file" };
  const stateOf = (shape: object): { state: PodState } => ({
    state: {
      current: podOf(),
      observed: observedOf([containerOf("main")]),
      isGone: false,
      isRejected: false,
      isRuntimeOnly: false,
      termination: undefined,
      ...shape,
    } as unknown as PodState,
  });
  const workers = [
    stateOf({
      current: podOf({
        spec: {
          volumes: [
            { name: "e", emptyDir: {} },
            { name: "c", persistentVolumeClaim: {} },
          ],
        },
      }),
      volumes: new Map([["e", { path: "/e", isReadOnly: false, plugin: "kubernetes.io/empty-dir" }]]),
    }),
    stateOf({ current: podOf({ metadata: { annotations: fixed } }) }),
    stateOf({ isGone: true }),
    stateOf({ isGone: true, isRuntimeOnly: true }),
    stateOf({ current: podOf({ status: { phase: "Succeeded" } }), observed: observedOf([]) }),
    stateOf({ isRejected: true, termination: {} }),
  ];
  const index = podIndex({ workers, find: () => undefined });

  it("by what becomes of them, and who wants them", async () => {
    const metrics = new KubeletMetrics("n1");
    metrics.follow(index);
    const found = (await lines(metrics, "kubelet_working_pods")).filter((line) => !line.endsWith(" 0"));
    const of = (lifecycle: string, config: string, isStatic: string) =>
      `kubelet_working_pods{lifecycle="${lifecycle}",config="${config}",static="${isStatic}"} 1`;
    expect(found.toSorted()).toEqual(
      [
        of("sync", "desired", ""),
        of("sync", "desired", "true"),
        of("terminated", "desired", ""),
        of("terminating", "orphan", ""),
        of("terminating", "runtime_only", "unknown"),
      ].toSorted(),
    );
    expect(await lines(metrics, "kubelet_mirror_pods")).toEqual(["kubelet_mirror_pods 1"]);
    expect(await lines(metrics, "kubelet_desired_pods")).toEqual([
      'kubelet_desired_pods{static=""} 3',
      'kubelet_desired_pods{static="true"} 1',
    ]);
  });

  it("without mirrors where there is no API server", async () => {
    const metrics = new KubeletMetrics("n1");
    metrics.follow(index, false);
    expect(await lines(metrics, "kubelet_mirror_pods")).toEqual(["kubelet_mirror_pods 0"]);
  });

  it("with their volumes, as they are wanted and as they are", async () => {
    const metrics = new KubeletMetrics("n1");
    metrics.follow(index);
    expect((await lines(metrics, "volume_manager_total_volumes")).toSorted()).toEqual([
      'volume_manager_total_volumes{plugin_name="N/A",state="desired_state_of_world"} 1',
      'volume_manager_total_volumes{plugin_name="kubernetes.io/empty-dir",state="actual_state_of_world"} 1',
      'volume_manager_total_volumes{plugin_name="kubernetes.io/empty-dir",state="desired_state_of_world"} 1',
    ]);
  });
});

it("a node's start is told of one that is new, once", async () => {
  const metrics = new KubeletMetrics("n1");
  let now = 20_000;
  const startup = new NodeStartup(metrics, { bootMs: 1000, startMs: 11_000 }, () => now);
  const told = async (name: string) => (await lines(metrics, `kubelet_node_startup_${name}duration_seconds`))[0];
  startup.registered();
  startup.ready();
  expect(await told("")).toBe("kubelet_node_startup_duration_seconds 0");
  startup.attempted();
  now = 25_000;
  startup.attempted();
  startup.registered();
  now = 32_000;
  startup.ready();
  now = 99_000;
  startup.registered();
  startup.ready();
  expect(await told("pre_kubelet_")).toBe("kubelet_node_startup_pre_kubelet_duration_seconds 10");
  expect(await told("pre_registration_")).toBe("kubelet_node_startup_pre_registration_duration_seconds 9");
  expect(await told("registration_")).toBe("kubelet_node_startup_registration_duration_seconds 5");
  expect(await told("post_registration_")).toBe("kubelet_node_startup_post_registration_duration_seconds 7");
  expect(await told("")).toBe("kubelet_node_startup_duration_seconds 31");
});

it("the runtime's events tell how late they come, and how often they break off", async () => {
  const metrics = new KubeletMetrics("n1");
  const clock = new FakeClock();
  let observer: ContainerEventObserver | undefined;
  const watchContainers = (one: ContainerEventObserver) => {
    observer = one;
    return () => undefined;
  };
  const events = new RuntimeEvents({
    ...{ runtime: { watchContainers } as unknown as Runtime, runtimeName: "cri-o", endpoint: "", clock, metrics },
    onContainer: () => undefined,
    onGap: () => undefined,
    onError: () => undefined,
  });
  events.start();
  observer!.onEvent({ containerId: "c", atMs: clock.now() - 2000 });
  observer!.onEvent({ containerId: "c" });
  observer!.onEnd(new Error("gone"));
  clock.advance(500);
  events.stop();
  const count = (name: string) => lines(metrics, `kubelet_evented_pleg_connection_${name}`);
  expect(await count("success_count")).toEqual(["kubelet_evented_pleg_connection_success_count 2"]);
  expect(await count("error_count")).toEqual(["kubelet_evented_pleg_connection_error_count 1"]);
  expect(await count("latency_seconds_sum")).toEqual(["kubelet_evented_pleg_connection_latency_seconds_sum 2"]);
  expect(await count("latency_seconds_count")).toEqual(["kubelet_evented_pleg_connection_latency_seconds_count 1"]);
});

it.each([
  ["kubelet_evictions", 'eviction_signal="memory.available"', (to: KubeletMetrics) => to.evicted("memory.available")],
  [
    "kubelet_eviction_stats_age_seconds_count",
    'eviction_signal="pid.available"',
    (to: KubeletMetrics) => to.evictionStatsAged("pid.available", 2),
  ],
  ["kubelet_preemptions", 'preemption_signal="cpu"', (to: KubeletMetrics) => to.preempted("cpu")],
  ["kubelet_image_garbage_collected_total", 'reason="age"', (to: KubeletMetrics) => to.imageCollected("age")],
  [
    "kubelet_cgroup_manager_duration_seconds_count",
    'operation_type="destroy"',
    (to: KubeletMetrics) => to.cgroupChanged("destroy", 0.1),
  ],
  [
    "kubelet_volume_metric_collection_duration_seconds_count",
    'metric_source="du"',
    (to: KubeletMetrics) => to.volumeMeasured("du", 0.1),
  ],
] as const)("%s counts by its label", async (name, label, count) => {
  const metrics = new KubeletMetrics("n1");
  expect(await lines(metrics, name)).toEqual([]);
  count(metrics);
  expect(await lines(metrics, name)).toEqual([`${name}{${label}} 1`]);
});

it("gauges of the node are what was told last", async () => {
  const metrics = new KubeletMetrics("n1");
  metrics.cgroups(2);
  metrics.shutDown(5, 0);
  metrics.shutDown(7, 9);
  const told = async (name: string) => (await lines(metrics, name))[0]?.split(" ")[1];
  expect(await told("kubelet_cgroup_version")).toBe("2");
  expect(await told("kubelet_graceful_shutdown_start_time_seconds")).toBe("7");
  expect(await told("kubelet_graceful_shutdown_end_time_seconds")).toBe("9");
});

it("requests of the client count by their answer, for the kubelet as for the proxy", async () => {
  const registry = new Registry();
  const requests = new RequestMetrics(registry);
  requests.sent("10.0.0.1:6443", { method: "PATCH", code: 200, seconds: 0.2 });
  requests.sent("10.0.0.1:6443", { method: "GET", code: undefined, seconds: 0.2 });
  const text = await registry.metrics();
  expect(text).toContain('rest_client_requests_total{code="200",method="PATCH",host="10.0.0.1:6443"} 1');
  expect(text).toContain('rest_client_requests_total{code="<error>",method="GET",host="10.0.0.1:6443"} 1');
  expect(text).toContain('rest_client_request_duration_seconds_count{verb="PATCH",host="10.0.0.1:6443"} 1');
});

describe("on disk", () => {
  const inFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
    const folder = mkdtempSync(path.join(tmpdir(), "fairlead-metrics-"));
    await work(folder).finally(() => rmSync(folder, { recursive: true }));
  };

  it("a control group is made, changed and removed, and what is not there is not counted", () =>
    inFolder(async (folder) => {
      const hierarchies: Hierarchies = { version: 1, mounts: new Map([["cpu", folder]]), all: [folder] };
      const told: string[] = [];
      const tree = new CgroupTree(hierarchies, "cgroupfs", systemClock, undefined, (operation, seconds) => {
        expect(seconds).toBeGreaterThanOrEqual(0);
        told.push(operation);
      });
      await tree.apply(["kubepods"], {});
      await tree.apply(["kubepods"], {});
      await tree.remove(["kubepods"]);
      await tree.remove(["kubepods"]);
      expect(told).toEqual(["create", "update", "destroy"]);
      expect(existsSync(path.join(folder, "kubepods"))).toBe(false);
    }));

  it("a claim on a local volume is as full as its file system, and each way of looking has its time", () =>
    inFolder(async (folder) => {
      const volumes = path.join(folder, "volumes");
      const scratch = path.join(volumes, "kubernetes.io~empty-dir/scratch");
      mkdirSync(scratch, { recursive: true });
      writeFileSync(path.join(scratch, "file"), "x".repeat(10_000));
      const spec = podOf({
        spec: {
          volumes: [
            { name: "scratch", emptyDir: {} },
            { name: "data", persistentVolumeClaim: { claimName: "mine" } },
            { name: "host", persistentVolumeClaim: { claimName: "other" } },
          ],
        },
      }).spec;
      const volume = (plugin: string) => ({ path: folder, isReadOnly: false, plugin });
      const prepared = new Map([
        ["data", volume("kubernetes.io/local-volume")],
        ["host", volume("kubernetes.io/host-path")],
      ]);
      const metrics = new KubeletMetrics("n1");
      const found = await readVolumes({ folder: volumes, spec, prepared, metrics });
      expect(found.map(({ name, claim }) => [name, claim]).toSorted()).toEqual([
        ["data", "mine"],
        ["scratch", undefined],
      ]);
      const name = "kubelet_volume_metric_collection_duration_seconds_count";
      expect((await lines(metrics, name)).toSorted()).toEqual([
        `${name}{metric_source="du"} 1`,
        `${name}{metric_source="statfs"} 1`,
      ]);
    }));
});

it("logs are told of by container, and each claim once", () => {
  const fs = { availableBytes: 60, capacityBytes: 100, usedBytes: 40, inodesFree: 7, inodes: 10 };
  const pod = (name: string) => ({
    ...{ name, namespace: "default", uid: `uid-${name}`, logs: new Map([["main", 12]]) },
    volumes: [
      { name: "data", fs, claim: "mine" },
      { name: "scratch", fs, claim: undefined },
    ],
  });
  const text = renderFamilies(fileFamilies([pod("a"), pod("b")]));
  const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const claim = 'namespace="default",persistentvolumeclaim="mine"';
  expect(series).toEqual([
    'kubelet_container_log_filesystem_used_bytes{uid="uid-a",namespace="default",pod="a",container="main"} 12',
    'kubelet_container_log_filesystem_used_bytes{uid="uid-b",namespace="default",pod="b",container="main"} 12',
    `kubelet_volume_stats_capacity_bytes{${claim}} 100`,
    `kubelet_volume_stats_available_bytes{${claim}} 60`,
    `kubelet_volume_stats_used_bytes{${claim}} 40`,
    `kubelet_volume_stats_inodes{${claim}} 10`,
    `kubelet_volume_stats_inodes_free{${claim}} 7`,
    `kubelet_volume_stats_inodes_used{${claim}} 3`,
  ]);
});
