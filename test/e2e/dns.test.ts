/** `fairlead dns` beside `fairlead server`: a resolver asks it what pods ask. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import dnsPacket, { type DecodedPacket } from "dns-packet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { question } from "../fixtures/dns.ts";
import { startUpstream, type TestUpstream } from "../fixtures/dns_upstream.ts";
import { freePort } from "../fixtures/etcd.ts";
import { eventually } from "../fixtures/eventually.ts";
import { environment, launcher, startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";
import { startHollowProcess } from "../fixtures/hollow.ts";

let folder: string;
let server: ServerProcess;
let upstream: TestUpstream;
let dns: ChildProcess;
let port: number;
let metricsPort: number;
const resolver = new Resolver({ timeout: 3000, tries: 3 });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-dns-"));
  server = await startServerProcess(path.join(folder, "data"), ["--secure-port", "0"]);
  upstream = await startUpstream((name) => ({ answers: [{ type: "A", name, ttl: 60, data: "192.0.2.1" }] }));
  [port, metricsPort] = [await freePort(), await freePort()];
  const flags = ["--kubeconfig", server.kubeconfig, "--bind", "127.0.0.1", "--port", String(port)];
  const more = ["--upstream", `127.0.0.1:${upstream.port}`, "--metrics-bind-address", `127.0.0.1:${metricsPort}`];
  const away = ["--stub-domain", "away.example=127.0.0.1:1"];
  dns = spawn(launcher, ["dns", ...flags, ...more, ...away], { env: environment, stdio: "ignore" });
  resolver.setServers([`127.0.0.1:${port}`]);
  await eventually("readiness", async () => (await get("ready").catch(() => ({ ok: false }))).ok, 30_000);
}, 60_000);

afterAll(async () => {
  for (const child of [dns, server?.child]) child?.kill("SIGTERM");
  await server?.exited;
  if (dns && dns.exitCode === null) await new Promise((resolve) => dns.once("close", resolve));
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

const get = (route: string): Promise<Response> => fetch(`http://127.0.0.1:${metricsPort}/${route}`);
const apply = (object: object): Promise<string> => server.run(["apply", "-f", "-"], object);
const zone = "default.svc.cluster.local";

function object(apiVersion: string, kind: string, name: string, rest: object, labels = {}): object {
  return { apiVersion, kind, metadata: { name, namespace: "default", labels }, ...rest };
}

function slice(name: string, ips: readonly string[]): object {
  const endpoints = ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } }));
  const rest = { addressType: "IPv4", endpoints, ports: [{ name: "http", port: 8080, protocol: "TCP" }] };
  return object("discovery.k8s.io/v1", "EndpointSlice", name, rest, { "kubernetes.io/service-name": "many" });
}

function overTcp(bytes: Buffer): Promise<DecodedPacket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: "127.0.0.1", port, timeout: 5000 });
    let received = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("timeout", () => socket.destroy(new Error("no answer over TCP")));
    socket.on("data", (part) => {
      received = Buffer.concat([received, part]);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return;
      socket.end();
      resolve(dnsPacket.decode(received.subarray(2)));
    });
    socket.write(Buffer.concat([Buffer.of(0, bytes.length), bytes]));
  });
}

describe("cluster DNS", () => {
  it("knows the API server's Service, forwards and back", async () => {
    const [ip] = await eventually("kubernetes", () => resolver.resolve4(`kubernetes.${zone}`).catch(() => undefined));
    expect(await resolver.reverse(ip!)).toEqual([`kubernetes.${zone}`]);
    expect(await resolver.resolveSrv(`_https._tcp.kubernetes.${zone}`)).toMatchObject([
      { name: `kubernetes.${zone}`, port: 443, weight: 100, priority: 0 },
    ]);
    expect(await resolver.resolveTxt("dns-version.cluster.local")).toEqual([["1.1.0"]]);
    await expect(resolver.resolve6(`kubernetes.${zone}`)).rejects.toMatchObject({ code: "ENODATA" });
    await expect(resolver.resolve4(`nobody.${zone}`)).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  it("names a StatefulSet's pods", async () => {
    const hollow = await startHollowProcess(server.kubeconfig, ["--nodes", "1"]);
    try {
      const labels = { app: "db" };
      const ports = [{ name: "sql", port: 5432 }];
      await apply(object("v1", "Service", "db", { spec: { clusterIP: "None", selector: labels, ports } }));
      const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "db" }] } };
      const spec = { serviceName: "db", replicas: 2, selector: { matchLabels: labels }, template };
      await apply(object("apps/v1", "StatefulSet", "db", { spec }));
      const second = await eventually(
        "db-1",
        () => resolver.resolve4(`db-1.db.${zone}`).catch(() => undefined),
        30_000,
      );
      const shown = await server.run(["get", "pod", "db-1", "-o", "jsonpath={.status.podIP}"]);
      expect(second).toEqual([shown]);
      const srv = await resolver.resolveSrv(`_sql._tcp.db.${zone}`);
      expect(srv.map(({ name, port: at }) => `${name}:${at}`).sort()).toEqual([
        `db-0.db.${zone}:5432`,
        `db-1.db.${zone}:5432`,
      ]);
      expect(await resolver.reverse(shown)).toEqual([`db-1.db.${zone}`]);
    } finally {
      await hollow.stop();
    }
  }, 60_000);

  it("answers with endpoints as they come and go, cut over UDP and whole over TCP", async () => {
    await apply(object("v1", "Service", "many", { spec: { clusterIP: "None", ports: [{ name: "http", port: 80 }] } }));
    await apply(
      slice(
        "many-1",
        Array.from({ length: 100 }, (_, i) => `10.9.0.${i + 1}`),
      ),
    );
    const name = `many.${zone}`;
    // The resolver asks again over TCP where the answer is cut.
    await eventually("100 addresses", async () => (await resolver.resolve4(name).catch(() => [])).length === 100);
    expect((await overTcp(question(name, "A"))).answers).toHaveLength(100);
    await apply(slice("many-2", ["10.9.1.1", "10.9.0.1"]));
    await eventually("an address more", async () => (await resolver.resolve4(name)).includes("10.9.1.1"));
    expect(await resolver.resolve4(name)).toHaveLength(101);
    await server.run(["delete", "endpointslice", "many-1"]);
    await eventually("two", async () => (await resolver.resolve4(name)).length === 2);
    expect((await resolver.resolve4(name)).sort()).toEqual(["10.9.0.1", "10.9.1.1"]);
  });

  it("asks others for their names, keeps the answers, and says where others do not answer", async () => {
    expect(await resolver.resolve4("www.example")).toEqual(["192.0.2.1"]);
    expect(await resolver.resolve4("www.example")).toEqual(["192.0.2.1"]);
    expect(upstream.asked).toEqual(["udp www.example"]);
    await expect(resolver.resolve4("www.away.example")).rejects.toMatchObject({ code: "ESERVFAIL" });
  });

  it("tells of itself as CoreDNS does", async () => {
    expect(await (await get("health")).text()).toBe("OK");
    const text = await (await get("metrics")).text();
    const labels = `server="dns://:${port}",zone="cluster.local.",view=""`;
    expect(text).toMatch(new RegExp(`coredns_dns_requests_total\\{${labels},proto="udp",family="1",type="A"\\} [1-9]`));
    expect(text).toMatch(
      new RegExp(`coredns_dns_responses_total\\{${labels},rcode="NXDOMAIN",plugin="kubernetes"\\} [1-9]`),
    );
    expect(text).toMatch(/coredns_cache_hits_total\{[^}]*type="success"\} [1-9]/);
    expect(text).toMatch(/coredns_kubernetes_dns_programming_duration_seconds_count/);
  });
});
