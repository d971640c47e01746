/**
 * Programs of others find at our server what they find at upstream's: they list, watch, patch and discover.
 * Python's and Prometheus's come from Debian (scripts/setup, scripts/setup.d/clients).
 */
import { execFile, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
} from "@kubernetes/client-node";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { oldKubectl, onEachStore, unpacked, type Case } from "../fixtures/clusters.ts";
import { freePort } from "../fixtures/etcd.ts";

const run = promisify(execFile);
const pod = { containers: [{ name: "app", image: "app:1", ports: [{ name: "http", containerPort: 8080 }] }] };
const labels = { app: "web" };

const running = { phase: "Running", podIP: "10.1.0.7", podIPs: [{ ip: "10.1.0.7" }] };
const addresses = {
  addresses: [{ type: "InternalIP", address: "192.0.2.10" }],
  daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
};

function seeded(): object[] {
  return [
    { apiVersion: "v1", kind: "Node", metadata: { name: "node-0", labels: { zone: "a" } } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "web-0", labels }, spec: { ...pod, nodeName: "node-0" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", labels },
      spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort: "http" }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-x7k2p", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: [
        {
          addresses: ["10.1.0.7"],
          conditions: { ready: true },
          targetRef: { kind: "Pod", namespace: "default", name: "web-0" },
        },
      ],
    },
  ];
}

/** Lists pods, watches ConfigMaps while it writes them, patches; one line of JSON says what it saw. */
const pythonProgram = `
import json, sys, threading
from kubernetes import client, config, watch
config.load_kube_config(sys.argv[1])
core = client.CoreV1Api()
names = [p.metadata.name for p in core.list_namespaced_pod("default", label_selector="app=web").items]
version = core.list_namespaced_config_map("default").metadata.resource_version
def write():
    core.create_namespaced_config_map("default", {"metadata": {"name": "py"}, "data": {"a": "1"}})
    core.patch_namespaced_config_map("py", "default", {"data": {"a": "2"}})
    core.delete_namespaced_config_map("py", "default")
threading.Timer(0.2, write).start()
events = []
for event in watch.Watch().stream(core.list_namespaced_config_map, "default", resource_version=version, timeout_seconds=20):
    events.append([event["type"], event["object"].metadata.name, event["object"].data["a"]])
    if event["type"] == "DELETED":
        break
try:
    core.read_namespaced_pod("nothing", "default")
    reason = None
except client.ApiException as e:
    reason = json.loads(e.body)["reason"]
print(json.dumps({"names": names, "events": events, "reason": reason}))
`;

/** Discovers Kubernetes, as bookworm's own cannot. */
const prometheus = path.join(unpacked, "prometheus/usr/bin/prometheus");

onEachStore((cluster) => {
  let one: Case;
  beforeAll(async () => {
    one = await cluster.namespace("default");
    await one.create(...seeded());
    await one.status("pod", "web-0", running);
    await one.status("node", "node-0", addresses);
  });

  /* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- the client's types are classes, and it takes plain objects */
  describe("@kubernetes/client-node", () => {
    const client = (): KubeConfig => {
      const config = new KubeConfig();
      config.loadFromFile(cluster.api.adminKubeconfig);
      return config;
    };

    it("keeps an informer, which sees what is created, patched and deleted", async () => {
      const config = client();
      const core = config.makeApiClient(CoreV1Api);
      const seen: string[] = [];
      const informer = makeInformer<V1ConfigMap>(config, "/api/v1/namespaces/default/configmaps", () =>
        core.listNamespacedConfigMap({ namespace: "default" }),
      );
      for (const event of ["add", "update", "delete"] as const) {
        informer.on(event, (map) => seen.push(`${event} ${map.metadata!.name!} ${map.data?.["a"] ?? ""}`));
      }
      await informer.start();
      await core.createNamespacedConfigMap({
        namespace: "default",
        body: { metadata: { name: "seen" }, data: { a: "1" } },
      });
      await core.patchNamespacedConfigMap(
        { name: "seen", namespace: "default", body: { data: { a: "2" } } },
        setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
      );
      await core.deleteNamespacedConfigMap({ name: "seen", namespace: "default" });
      await vi.waitFor(() => expect(seen).toEqual(["add seen 1", "update seen 2", "delete seen 2"]));
      await informer.stop();
    });

    it("makes a Deployment and reads its defaults", async () => {
      const apps = client().makeApiClient(AppsV1Api);
      const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } };
      const made = await apps.createNamespacedDeployment({
        namespace: "default",
        body: { metadata: { name: "web" }, spec },
      });
      expect(made.spec).toMatchObject({ replicas: 1, strategy: { type: "RollingUpdate" } });
      const { items } = await apps.listDeploymentForAllNamespaces({ labelSelector: "!nothing" });
      expect(items.map(({ metadata }) => metadata?.name)).toContain("web");
    });
  });

  /* eslint-enable @typescript-eslint/no-unsafe-class-instance-assignment */

  it("the Python client lists, watches, patches and reads refusals", async () => {
    const { stdout } = await run("/usr/bin/python3", ["-c", pythonProgram, cluster.api.adminKubeconfig], {
      timeout: 60_000,
    });
    expect(JSON.parse(stdout)).toEqual({
      names: ["web-0"],
      events: [
        ["ADDED", "py", "1"],
        ["MODIFIED", "py", "2"],
        ["DELETED", "py", "2"],
      ],
      reason: "NotFound",
    });
  });

  describe("Prometheus", () => {
    const roles = ["node", "service", "pod", "endpointslice", "endpoints"] as const;

    it("discovers nodes, Services, pods and EndpointSlices", async () => {
      const port = await freePort();
      const scrape_configs = roles.map((role) => ({
        job_name: role,
        kubernetes_sd_configs: [{ role, kubeconfig_file: cluster.api.adminKubeconfig }],
      }));
      const config = path.join(cluster.folder, "prometheus.json");
      writeFileSync(config, JSON.stringify({ scrape_configs }));
      const child = spawn(
        prometheus,
        [
          `--config.file=${config}`,
          `--storage.tsdb.path=${path.join(cluster.folder, "prometheus")}`,
          `--web.listen-address=127.0.0.1:${port}`,
          "--log.level=warn",
        ],
        { stdio: "ignore" },
      );
      const exited = new Promise((resolve) => child.once("exit", resolve));
      try {
        await vi.waitFor(async () => expect(await discovered(port)).toMatchObject(expected), 60_000);
      } finally {
        child.kill("SIGKILL");
        await exited;
      }
    });

    const expected = {
      node: ["192.0.2.10:10250"],
      pod: ["10.1.0.7:8080"],
      service: expect.arrayContaining(["web.default.svc:80", "kubernetes.default.svc:443"]) as unknown,
      endpointslice: expect.arrayContaining(["10.1.0.7:8080"]) as unknown,
    };

    /** Addresses of the targets, by role. */
    async function discovered(port: number): Promise<Record<string, string[]>> {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`).catch(() => undefined);
      if (!response?.ok) return {};
      const { data } = (await response.json()) as {
        data: { activeTargets: { scrapePool: string; discoveredLabels: { __address__: string } }[] };
      };
      const found: Record<string, string[]> = {};
      for (const { scrapePool, discoveredLabels } of data.activeTargets) {
        (found[scrapePool] ??= []).push(discoveredLabels.__address__);
      }
      return found;
    }
  });

  describe("kubectl 1.20", () => {
    const map = (field: string): string =>
      `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"old"},"${field}":{"a":"1"}}`;
    const old = (args: readonly string[], input = "") => one.runWith({ program: oldKubectl, input }, ...args);

    it("creates, gets and deletes", async () => {
      expect(await old(["create", "-f", "-"], map("data"))).toBe("configmap/old created");
      expect(await old(["get", "configmap", "old"])).toMatch(/^NAME +DATA +AGE\nold +1 +\d+s$/);
      expect(await old(["get", "pods", "-o", "wide"])).toMatch(/^NAME +READY +STATUS .*\nweb-0 .* node-0 /);
      expect(await old(["delete", "configmap", "old"])).toBe('configmap "old" deleted');
    });

    it("validates what it creates by OpenAPI in protobuf, and explains fields", async () => {
      const unknown = 'unknown field "datta" in io.k8s.api.core.v1.ConfigMap';
      await expect(old(["create", "-f", "-"], map("datta"))).rejects.toThrow(unknown);
      const said = await old(["explain", "pods.spec.containers.image"]);
      expect(said).toMatch(/KIND: +Pod\nVERSION: +v1\n\nFIELD: +image <string>/);
      const dryRun = await old(["apply", "--dry-run=server", "-f", "-"], map("data"));
      expect(dryRun).toBe("configmap/old created (server dry run)");
    });

    it("applies lists, which it validates item by item", async () => {
      const lists = (field: string) => `{"apiVersion":"v1","kind":"List","items":[${map(field)}]}`;
      expect(await old(["apply", "-f", "-"], lists("data"))).toBe("configmap/old created");
      await expect(old(["apply", "-f", "-"], lists("datta"))).rejects.toThrow('unknown field "datta"');
    });
  });
});
