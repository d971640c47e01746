/**
 * What stands around `fairlead proxy`, asked as its users ask it: kubectl, load balancers, Prometheus and clients of UDP.
 * The server and the proxy have a network namespace of their own, as if it were a node.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { native, type NativeNamespace } from "../../src/kernel/native.ts";
import { unpacked } from "../fixtures/clusters.ts";
import { eventually } from "../fixtures/eventually.ts";
import { environment, inNetns, launcher, startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";
import { run, uniqueName } from "../fixtures/namespace.ts";
import { parseMetrics } from "../fixtures/prometheus_text.ts";

/** Debian's, which scripts/setup.d/clients unpacks. */
const prometheus = path.join(unpacked, "prometheus/usr/bin/prometheus");
const nodeIp = "192.0.2.1";
const endpoints = ["192.0.2.21", "192.0.2.22"] as const;
const healthPort = 32_123;
const slow = 60_000;

let folder: string;
let netns: string;
let namespace: NativeNamespace;
let server: ServerProcess;
let proxy: ChildProcess;
let proxyLog = "";
let backends: ChildProcess;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "proxy-around-"));
  netns = `/run/netns/${uniqueName()}`;
  namespace = await native().createNamedNamespace(netns);
  await run(namespace, ["ip", "link", "set", "lo", "up"]);
  for (const ip of [nodeIp, ...endpoints]) await run(namespace, ["ip", "address", "add", `${ip}/32`, "dev", "lo"]);
  // Translated on the way out, or nowhere.
  await run(namespace, ["ip", "route", "add", "10.96.0.0/12", "dev", "lo"]);
  backends = await startBackends();
  server = await startServerProcess(path.join(folder, "data"), [], netns);
  await create({ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
  const status = { status: { addresses: [{ type: "InternalIP", address: nodeIp }] } };
  await server.run(["patch", "node", "n1", "--subresource=status", "--type=merge", "-p", JSON.stringify(status)]);
  await startProxy();
}, slow);

afterAll(async () => {
  await Promise.all([proxy, backends].map(stop));
  server?.signal("SIGTERM");
  await server?.exited;
  namespace?.close();
  if (namespace) await native().deleteNamedNamespace(netns);
  rmSync(folder, { recursive: true, force: true });
}, slow);

/** @returns its exit code */
async function stop(child: ChildProcess | undefined): Promise<number | null> {
  if (!child) return null;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.kill();
    await ended;
  }
  return child.exitCode;
}

function start(argv: readonly [string, ...string[]], onText: (text: string) => void): ChildProcess {
  const [program, ...args] = inNetns(netns, argv);
  const child = spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.on("data", (data: Buffer) => onText(data.toString()));
  return child;
}

async function startProxy(): Promise<void> {
  const config = path.join(folder, "proxy.yaml");
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      hostnameOverride: "n1",
      clientConnection: { kubeconfig: server.kubeconfig },
      conntrack: { maxPerCore: 0, tcpEstablishedTimeout: "2h", udpTimeout: "45s", tcpBeLiberal: true },
      nftables: { minSyncPeriod: "1ms" },
    }),
  );
  proxy = start([launcher, "proxy", "--config", config], (text) => (proxyLog += text));
  await eventually("the proxy", () => proxyLog.includes("programmed"), 30_000);
}

/** Each says its address to whoever sends. */
async function startBackends(): Promise<ChildProcess> {
  const script = `
    for (const ip of ${JSON.stringify(endpoints)}) {
      const socket = require("node:dgram").createSocket("udp4");
      socket.on("message", (_, from) => socket.send(ip, from.port, from.address));
      socket.bind(5353, ip, () => console.log("ready"));
    }`;
  let text = "";
  const child = start([process.execPath, "-e", script], (more) => (text += more));
  await eventually("the backends", () => text.split("ready").length === endpoints.length + 1);
  return child;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** @returns undefined where nobody listens */
async function get(url: string): Promise<Answer | undefined> {
  const script = `
    fetch(${JSON.stringify(url)}).then(
      async (r) => console.log(JSON.stringify({ status: r.status, headers: Object.fromEntries(r.headers), text: await r.text() })),
      () => console.log("null"),
    );`;
  return (JSON.parse(await run(namespace, [process.execPath, "-e", script])) as Answer | null) ?? undefined;
}

async function getJson(url: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const { status, text } = (await get(url))!;
  return { status, body: JSON.parse(text) as Record<string, unknown> };
}

/** From one socket's port, whatever comes between. */
async function askUdp(address: string, port: number): Promise<string> {
  const script = `
    const socket = require("node:dgram").createSocket("udp4");
    const end = (text) => { console.log(text); socket.close(); clearTimeout(timer); };
    const timer = setTimeout(end, 2000, "silence");
    socket.once("message", (data) => end(data.toString()));
    socket.bind(20053, () => socket.send("?", ${port}, "${address}"));`;
  return (await run(namespace, [process.execPath, "-e", script])).trim();
}

async function create(object: object): Promise<void> {
  await server.run(["create", "-f", "-"], object);
}

function sliceOf(service: string, ip: string, more: object = {}): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${service}-1`, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ name: "", port: 5353, protocol: "UDP" }],
    endpoints: [{ addresses: [ip], conditions: { ready: true }, nodeName: "n1" }],
    ...more,
  };
}

describe("around the proxy", () => {
  it("kernel parameters are as the configuration has them", async () => {
    const read = (name: string) => run(namespace, ["sysctl", "-n", `net.netfilter.${name}`]);
    expect(await read("nf_conntrack_tcp_timeout_established")).toBe("7200\n");
    expect(await read("nf_conntrack_udp_timeout")).toBe("45\n");
    expect(await read("nf_conntrack_tcp_be_liberal")).toBe("1\n");
  });

  it("a client that keeps its socket reaches the endpoint that takes another's place", async () => {
    const ports = [{ port: 53, protocol: "UDP", targetPort: 5353 }];
    await create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "dns" },
      spec: { clusterIP: "10.96.0.53", ports },
    });
    await create(sliceOf("dns", endpoints[0]));
    await eventually("the first endpoint", async () => (await askUdp("10.96.0.53", 53)) === endpoints[0], slow);
    const annotations = { "endpoints.kubernetes.io/last-change-trigger-time": new Date().toISOString() };
    const labels = { "kubernetes.io/service-name": "dns" };
    const changed = sliceOf("dns", endpoints[1], { metadata: { name: "dns-1", labels, annotations } });
    await server.run(["replace", "-f", "-"], changed);
    await eventually("the second one", async () => (await askUdp("10.96.0.53", 53)) === endpoints[1], slow);
  });

  it("metrics tell what was done", async () => {
    const { text, headers } = (await get("http://127.0.0.1:10249/metrics"))!;
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const metrics = parseMetrics(text);
    const value = (name: string, labels: string) => metrics.get(`kubeproxy_${name}`)!.samples.get(labels);
    const ofFamily = 'count{ip_family="IPv4"}';
    expect(value("network_programming_duration_seconds", ofFamily)).toBe(1);
    expect(value("sync_partial_proxy_rules_duration_seconds", ofFamily)).toBeGreaterThan(1);
    expect(value("conntrack_reconciler_sync_duration_seconds", ofFamily)).toBeGreaterThan(0);
    expect(value("conntrack_reconciler_deleted_entries_total", '{ip_family="IPv4"}')).toBeGreaterThan(0);
    expect(value("sync_proxy_rules_service_changes_total", "")).toBeGreaterThan(1);
    expect((await get("http://127.0.0.1:10249/proxyMode"))!.text).toBe("nftables");
    const configz = await getJson("http://127.0.0.1:10249/configz");
    expect(configz.body).toMatchObject({ "kubeproxy.config.k8s.io": { conntrack: { udpTimeout: "45s" } } });
  });

  it("each frontend's connections are counted by the kernel, and can be read", async () => {
    const { text } = (await get("http://127.0.0.1:10249/metrics/frontends"))!;
    const labels = 'address="10.96.0.53",ip_family="IPv4",port="53",protocol="UDP",service="default/dns"';
    const packets = text.split("\n").find((line) => line.startsWith(`fairlead_frontend_packets_total{${labels}}`));
    // One to each of its endpoints: what the same flow sent behind its first packet is not counted.
    expect(Number(packets?.split(" ").at(-1))).toBeGreaterThanOrEqual(2);
  });

  it("Prometheus scrapes it", async () => {
    const config = path.join(folder, "prometheus.json");
    const targets = [{ targets: ["127.0.0.1:10249"] }];
    writeFileSync(
      config,
      JSON.stringify({ scrape_configs: [{ job_name: "proxy", scrape_interval: "1s", static_configs: targets }] }),
    );
    const flags = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/tsdb`, "--log.level=error"];
    const child = start([prometheus, ...flags, "--web.listen-address=127.0.0.1:9090"], () => undefined);
    try {
      const query = "up and on(job) kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family='IPv4'}";
      const url = `http://127.0.0.1:9090/api/v1/query?query=${encodeURIComponent(query)}`;
      await eventually("a scrape", async () => (await get(url))?.text.includes('"1"]') ?? false, slow);
    } finally {
      await stop(child);
    }
  });

  it("a load balancer of policy Local learns whether this node has endpoints", async () => {
    const url = `http://${nodeIp}:${healthPort}/`;
    const spec = {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: healthPort,
      ports: [{ port: 53, protocol: "UDP", targetPort: 5353 }],
    };
    await create({ apiVersion: "v1", kind: "Service", metadata: { name: "lb" }, spec });
    await eventually("the port", async () => (await get(url))?.status === 503, slow);
    await create(sliceOf("lb", endpoints[0]));
    const good = await eventually("an endpoint", async () => {
      const answer = await get(url);
      return answer?.status === 200 && answer;
    });
    expect(good.headers["x-load-balancing-endpoint-weight"]).toBe("1");
    expect(JSON.parse(good.text)).toEqual({
      service: { namespace: "default", name: "lb" },
      localEndpoints: 1,
      serviceProxyHealthy: true,
    });
    expect(await get(`http://127.0.0.1:${healthPort}/`)).toBeUndefined();
    await server.run(["delete", "service", "lb"]);
    await eventually("the port to close", async () => (await get(url)) === undefined, slow);
  });

  it("a node that is to go is out of healthz, and lives", async () => {
    const codes = async () => [
      (await getJson("http://127.0.0.1:10256/healthz")).status,
      (await getJson("http://127.0.0.1:10256/livez")).status,
    ];
    expect(await codes()).toEqual([200, 200]);
    const taint = "ToBeDeletedByClusterAutoscaler=1:NoSchedule";
    await server.run(["taint", "node", "n1", taint]);
    await eventually("the taint", async () => String(await codes()) === "503,200", slow);
    await server.run(["taint", "node", "n1", `${taint}-`]);
    await eventually("no taint", async () => String(await codes()) === "200,200", slow);
    await server.run(["delete", "node", "n1"]);
    await eventually("no node", async () => String(await codes()) === "503,200", slow);
    expect((await getJson("http://127.0.0.1:10256/healthz")).body).toMatchObject({
      nodeEligible: false,
      healthy: true,
    });
  });

  it("ends, and listens no more", async () => {
    expect(await stop(proxy)).toBe(0);
    expect(await get("http://127.0.0.1:10256/livez")).toBeUndefined();
    expect(proxyLog).not.toContain("WARN  cannot");
  });
});
