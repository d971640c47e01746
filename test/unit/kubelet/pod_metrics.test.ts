/** What the work on pods counts, on the runtime in memory. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Rejection } from "../../../src/kubelet/admission/rejection.ts";
import type { Runtime } from "../../../src/kubelet/cri/runtime.ts";
import { PodManager } from "../../../src/kubelet/pods/pod_manager.ts";
import { sandboxConfig } from "../../../src/kubelet/pods/render/sandbox.ts";
import { KubeletMetrics } from "../../../src/kubelet/server/metrics/kubelet_metrics.ts";
import { measuredRuntime } from "../../../src/kubelet/server/metrics/measured_runtime.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { WorkerNode } from "../../fixtures/worker_node.ts";

let node: WorkerNode;
let metrics: KubeletMetrics;
beforeEach(() => {
  node = new WorkerNode();
  metrics = node.metrics = new KubeletMetrics("n1");
});
afterEach(() => node.stop());

/** The value of a series; 0 where it is not there. */
async function value(series: string): Promise<number> {
  const text = await metrics.registry.metrics();
  const line = text.split("\n").find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
}

const deleted = (pod: Pod, seconds: number): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: "2026-01-01T12:00:00Z", deletionGracePeriodSeconds: seconds },
});

describe("a pod", () => {
  it("counts its start, its containers by kind, its image, its volume and its status", async () => {
    const init = [
      { name: "first", image: "localhost/busybox:test", command: ["/bin/sleep"], imagePullPolicy: "Never" },
    ];
    const volumes = [
      { name: "e", emptyDir: {} },
      { name: "missing", hostPath: { path: "/no/such/folder", type: "Directory" } },
    ];
    const worker = node.begin(node.pod("a", undefined, { initContainers: init, volumes: [volumes[0]] }));
    await eventually("the first", () => worker.state.observed.containers[0]?.state === "running");
    node.runtime.exit("first", 0);
    await eventually("readiness", () => node.ready("a"));
    expect(await value("kubelet_pod_worker_start_duration_seconds_count")).toBe(1);
    expect(await value("kubelet_pod_start_duration_seconds_count")).toBe(1);
    expect(await value('kubelet_containers_per_pod_count_bucket{le="1"}')).toBe(1);
    expect(await value('kubelet_started_containers_total{container_type="init_container"}')).toBe(1);
    expect(await value('kubelet_started_containers_total{container_type="container"}')).toBe(1);
    const ensured = 'pull_policy="never",present_locally="true",pull_required="false"';
    expect(await value(`kubelet_image_manager_ensure_image_requests_total{${ensured}}`)).toBe(2);
    const mounted = (plugin: string, status: string) =>
      `storage_operation_duration_seconds_count{volume_plugin="kubernetes.io/${plugin}",operation_name="volume_mount",status="${status}",migrated="false"}`;
    expect(await value(mounted("empty-dir", "success"))).toBe(1);
    await eventually("a status", async () => (await value("kubelet_pod_status_sync_duration_seconds_count")) > 0);
    node.begin(node.pod("b", undefined, { volumes: [volumes[1]] }));
    await eventually("a volume that fails", async () => (await value(mounted("host-path", "fail-unknown"))) > 0);
  });

  it("that is not let in begins nothing", async () => {
    const worker = node.begin(node.pod("a"));
    worker.reject({ reason: "OutOfpods", message: "full" });
    await eventually("its failure", () => node.phase("a") === "Failed");
    expect(await value("kubelet_pod_worker_start_duration_seconds_count")).toBe(0);
  });

  it("counts why a container does not start", async () => {
    node.runtime.holds.set("CreateContainer", () => Promise.reject(new Error("no")));
    node.begin(node.pod("a"));
    const failed = 'kubelet_started_containers_errors_total{container_type="container",code="CreateContainerError"}';
    await eventually("a failure", async () => (await value(failed)) === 1);
    node.runtime.images.clear();
    node.begin(node.pod("b"));
    const absent = 'kubelet_started_containers_errors_total{container_type="container",code="ErrImageNeverPull"}';
    await eventually("another failure", async () => (await value(absent)) >= 1);
    const ensured = 'pull_policy="never",present_locally="false",pull_required="false"';
    expect(await value(`kubelet_image_manager_ensure_image_requests_total{${ensured}}`)).toBeGreaterThan(0);
  });

  it("counts a pull by its image's size", async () => {
    const image = "registry.test/web:1";
    node.runtime.registry.add(image);
    const pod = node.pod("a");
    node.begin({
      ...pod,
      spec: { ...pod.spec, containers: [{ ...pod.spec.containers[0]!, image, imagePullPolicy: "Always" }] },
    });
    await eventually("readiness", () => node.ready("a"));
    expect(await value('kubelet_image_pull_duration_seconds_count{image_size_in_bytes="0-10MB"}')).toBe(1);
    const ensured = 'pull_policy="always",present_locally="false",pull_required="true"';
    expect(await value(`kubelet_image_manager_ensure_image_requests_total{${ensured}}`)).toBe(1);
  });

  it("counts each look at it, and the time between two", async () => {
    const worker = node.begin(node.pod("a"));
    await eventually("readiness", () => node.ready("a"));
    expect(await value("kubelet_pleg_relist_duration_seconds_count")).toBe(0);
    await worker.relist();
    expect(await value("kubelet_pleg_relist_interval_seconds_count")).toBe(0);
    await worker.relist();
    expect(await value("kubelet_pleg_relist_duration_seconds_count")).toBe(2);
    expect(await value("kubelet_pleg_relist_interval_seconds_count")).toBe(1);
  });

  it("counts its start once the API shows it", async () => {
    const pod = node.pod("a");
    const worker = node.begin(pod);
    await eventually("readiness", () => node.ready("a"));
    expect(await value("kubelet_pod_start_total_duration_seconds_count")).toBe(0);
    worker.update({ ...pod, status: node.statuses.get("a")! });
    worker.update({ ...pod, status: node.statuses.get("a")! });
    expect(await value("kubelet_pod_start_total_duration_seconds_count")).toBe(1);
    expect(await value("kubelet_pod_start_sli_duration_seconds_count")).toBe(1);
  });
});

describe("a hook", () => {
  const withHook = (name: string, preStop: object): Pod => {
    const pod = node.pod(name);
    const containers = [{ ...pod.spec.containers[0]!, lifecycle: { preStop } }];
    return { ...pod, spec: { ...pod.spec, containers } };
  };
  const end = async (pod: Pod, seconds: number): Promise<void> => {
    const worker = node.begin(pod);
    const { name } = pod.metadata;
    await eventually("readiness", () => node.ready(name));
    worker.update(deleted(pod, seconds));
    await eventually("its end", () => node.deleted.includes(`end ${name}`));
  };

  it("that sleeps counts where it is not let sleep its time", async () => {
    const cut = "kubelet_sleep_action_terminated_early_total";
    await end(withHook("whole", { sleep: { seconds: 1 } }), 5);
    expect(await value(cut)).toBe(0);
    await end(withHook("cut", { sleep: { seconds: 30 } }), 1);
    expect(await value(cut)).toBe(1);
  });

  it("that asks by HTTPS whoever speaks HTTP alone is asked so, and counts", async () => {
    const asked: string[] = [];
    const server = http.createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const httpGet = (scheme: string) => ({ httpGet: { scheme, host: "127.0.0.1", port, path: "/stop" } });
    try {
      await end(withHook("plain", httpGet("HTTP")), 5);
      expect([asked, await value("kubelet_lifecycle_handler_http_fallbacks_total")]).toEqual([["/stop"], 0]);
      await end(withHook("tls", httpGet("HTTPS")), 5);
      expect([asked, await value("kubelet_lifecycle_handler_http_fallbacks_total")]).toEqual([["/stop", "/stop"], 1]);
    } finally {
      server.close();
    }
  });
});

describe("all pods of a node", () => {
  const open = (files: { path?: string; fileCheckMs?: number } = {}, rejection?: Rejection): PodManager => {
    const none = { path: "", url: "", urlHeader: {}, fileCheckMs: 1000, httpCheckMs: 1000 };
    const settings = { nodeName: "n1", ...none, ...files };
    const manager = new PodManager(node.deps(), {
      staticPods: settings,
      node: () => undefined,
      isStandalone: false,
      admission: { decide: () => rejection },
    });
    node.managers.push(manager);
    return manager;
  };

  it("count one that is not let in, by a reason of few", async () => {
    node.listed = [node.pod("a")];
    const manager = open({}, { reason: "OutOfexample.com/gpu", message: "none left" });
    await manager.start();
    await manager.adopt(5000);
    await eventually("a rejection", async () => {
      return (await value('kubelet_admission_rejections_total{reason="OutOfExtendedResources"}')) === 1;
    });
  });

  it("count a pod of the runtime that nobody wants, and folders of pods that nobody knows", async () => {
    await node.runtime.runPodSandbox(sandboxConfig(node.pod("gone"), 0, node.settings));
    mkdirSync(path.join(node.settings.folders.root, "pods/uid-unknown"), { recursive: true });
    const manager = open();
    await manager.start();
    await manager.adopt(5000);
    await eventually("an orphan", async () => (await value("kubelet_orphaned_runtime_pods_total")) === 1);
    await eventually("a sweep", async () => (await value("kubelet_orphan_pod_cleaned_volumes")) === 1);
    expect(await value("kubelet_orphan_pod_cleaned_volumes_errors")).toBe(0);
  });

  it("count what was heard and not kept", async () => {
    const manager = open();
    for (let i = 0; i < 1002; i++) manager.containerChanged(`c${i}`);
    expect(await value("kubelet_pleg_discard_events")).toBe(2);
  });

  it("count one that is wanted again while it ends", async () => {
    const folder = path.join(node.folder, "manifests");
    const file = path.join(folder, "fixed.json");
    mkdirSync(folder);
    const { metadata, spec } = node.pod("fixed");
    const text = JSON.stringify({
      ...{ apiVersion: "v1", kind: "Pod", spec },
      metadata: { name: metadata.name, namespace: metadata.namespace },
    });
    writeFileSync(file, text);
    const manager = open({ path: folder, fileCheckMs: 50 });
    await manager.start();
    await manager.adopt(5000);
    const worker = () => [...manager.workers][0];
    await eventually("it runs", () => worker()?.state.observed.containers[0]?.state === "running");
    let release = (): void => undefined;
    node.runtime.holds.set("StopContainer", () => new Promise<void>((resolve) => (release = resolve)));
    rmSync(file);
    await eventually("its end begins", () => node.runtime.calls.some((call) => call.startsWith("StopContainer")));
    node.runtime.holds.clear();
    writeFileSync(file, text);
    // It is seen within one look; that it is wanted again shows nowhere while it ends.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await value('kubelet_restarted_pods_total{static="true"}')).toBe(0);
    release();
    await eventually("its return", async () => (await value('kubelet_restarted_pods_total{static="true"}')) === 1);
  });
});

it("a sandbox counts by its handler", async () => {
  const runtime = measuredRuntime<Runtime>(node.runtime, metrics);
  await runtime.runPodSandbox(sandboxConfig(node.pod("a"), 0, node.settings), "gvisor");
  expect(await value('kubelet_run_podsandbox_duration_seconds_count{runtime_handler="gvisor"}')).toBe(1);
  expect(await value("kubelet_started_pods_total")).toBe(1);
});
