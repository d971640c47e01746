/** Programs of others find at our server what they find at upstream's: they list, watch, patch and discover. */
import { execFile, spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
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
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { freePort } from "../fixtures/etcd.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

const run = promisify(execFile);
const pod = { containers: [{ name: "app", image: "app:1", ports: [{ name: "http", containerPort: 8080 }] }] };
const labels = { app: "web" };

let api: SecureServer;
beforeAll(async () => {
  api = await startSecureServer();
  const list = { apiVersion: "v1", kind: "List", items: seeded() };
  await api.run(["create", "-f", "-"], { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  await api.run(["create", "-f", "-"], list);
  await api.run(["patch", "pod", "web-0", "--subresource=status", "--type=merge", "-p", JSON.stringify(running)]);
  await api.run(["patch", "node", "node-0", "--subresource=status", "--type=merge", "-p", JSON.stringify(addresses)]);
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

const running = { status: { phase: "Running", podIP: "10.1.0.7", podIPs: [{ ip: "10.1.0.7" }] } };
const addresses = {
  status: {
    addresses: [{ type: "InternalIP", address: "192.0.2.10" }],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
  },
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

/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- the client's types are classes, and it takes plain objects */
describe("@kubernetes/client-node", () => {
  const client = (): KubeConfig => {
    const config = new KubeConfig();
    config.loadFromFile(api.api.adminKubeconfig);
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

it("the Python client lists, watches, patches and reads refusals", async () => {
  const { stdout } = await run("/usr/bin/python3", ["-c", pythonProgram, api.api.adminKubeconfig], { timeout: 60_000 });
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

/** Debian builds its Prometheus without the discovery of Kubernetes (its NEWS): PROMETHEUS names one that has it. */
const prometheus = process.env["PROMETHEUS"];

(prometheus === undefined ? () => undefined : describe)("Prometheus", () => {
  const roles = ["node", "service", "pod", "endpointslice", "endpoints"] as const;

  it("discovers nodes, Services, pods and EndpointSlices", async () => {
    const port = await freePort();
    const scrape_configs = roles.map((role) => ({
      job_name: role,
      kubernetes_sd_configs: [{ role, kubeconfig_file: api.api.adminKubeconfig }],
    }));
    const config = path.join(api.folder, "prometheus.json");
    writeFileSync(config, JSON.stringify({ scrape_configs }));
    const child = spawn(
      prometheus!,
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${path.join(api.folder, "prometheus")}`,
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
  const cache = process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache");
  const program = path.join(cache, "fairlead/kubectl-1.20/usr/bin/kubectl");
  const old = (args: readonly string[], input = ""): Promise<{ stdout: string }> => {
    const folders = ["--kubeconfig", api.api.adminKubeconfig, "--cache-dir", path.join(api.folder, "old-cache")];
    const running = run(program, [...folders, ...args], { timeout: 60_000 });
    running.child.stdin?.end(input);
    return running;
  };
  const map = (field: string): string =>
    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"old"},"${field}":{"a":"1"}}`;

  it("is there: scripts/setup.d/old-kubectl unpacks it", () => {
    expect(existsSync(program)).toBe(true);
  });

  it("creates, gets and deletes", async () => {
    expect((await old(["create", "-f", "-"], map("data"))).stdout).toBe("configmap/old created\n");
    expect((await old(["get", "configmap", "old"])).stdout).toMatch(/^NAME +DATA +AGE\nold +1 +\d+s\n$/);
    expect((await old(["get", "pods", "-o", "wide"])).stdout).toMatch(/^NAME +READY +STATUS .*\nweb-0 .* node-0 /);
    expect((await old(["delete", "configmap", "old"])).stdout).toBe('configmap "old" deleted\n');
  });

  it("validates what it creates by OpenAPI in protobuf, and explains fields", async () => {
    const unknown = 'unknown field "datta" in io.k8s.api.core.v1.ConfigMap';
    await expect(old(["create", "-f", "-"], map("datta"))).rejects.toThrow(unknown);
    const { stdout } = await old(["explain", "pods.spec.containers.image"]);
    expect(stdout).toMatch(/KIND: +Pod\nVERSION: +v1\n\nFIELD: +image <string>/);
    const dryRun = await old(["apply", "--dry-run=server", "-f", "-"], map("data"));
    expect(dryRun.stdout).toBe("configmap/old created (server dry run)\n");
  });
});
