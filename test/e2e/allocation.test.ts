/** Cluster IPs and node ports, given out by servers that start, race and stop. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ServiceAllocation } from "../../src/controlplane/apiserver/allocation/service_allocation.ts";
import { startCaches } from "../../src/controlplane/apiserver/api_server.ts";
import { EmbeddedStore } from "../../src/controlplane/store/embedded/embedded_store.ts";
import { EtcdStore } from "../../src/controlplane/store/etcd/etcd_store.ts";
import type { Store } from "../../src/controlplane/store/store.ts";
import { startEtcd } from "../fixtures/etcd.ts";
import { startServer, type Answer, type RunningServer } from "../fixtures/api_server.ts";

interface Cluster extends RunningServer {
  readonly allocation: ServiceAllocation;
}

let folder: string;
let store: EmbeddedStore;
let running: Cluster[];
let clock: number;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-allocation-"));
  store = await EmbeddedStore.open({ file: path.join(folder, "store.db") });
  running = [];
  clock = Date.now();
});
afterEach(async () => {
  for (const one of running) {
    one.allocation.close();
    await one.server.close(0);
  }
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: { cidrs?: string[]; ports?: string; store?: Store } = {}): Promise<Cluster> {
  const own = options.store ?? store;
  const allocation = await ServiceAllocation.start({
    store: own,
    caches: await startCaches(own),
    serviceCidrs: options.cidrs ?? ["10.96.0.0/16"],
    ...(options.ports === undefined ? {} : { nodePortRange: options.ports }),
    now: () => clock,
    onError: (error) => {
      throw error;
    },
  });
  const api = await startServer({ store: own, admission: [allocation] });
  const cluster = { ...api, allocation };
  running.push(cluster);
  return cluster;
}

const where = "/api/v1/namespaces/default/services";
const service = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { ports: [{ port: 80 }], selector: { app: "x" }, ...spec },
});
const create = (api: RunningServer, name: string, spec: object = {}, query = ""): Promise<Answer> =>
  api.request("POST", where + query, service(name, spec));
const addresses = async (api: RunningServer): Promise<string[]> => {
  const { body } = await api.request("GET", "/apis/networking.k8s.io/v1/ipaddresses");
  return body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
};

describe("cluster IPs", () => {
  it("are given, with an IPAddress that names the Service", async () => {
    const api = await start();
    const { body } = await create(api, "web");
    expect(body.spec).toMatchObject({ ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
    expect(body.spec.clusterIPs).toEqual([body.spec.clusterIP]);
    // The lower 256 are for who asks for one.
    expect(body.spec.clusterIP).toMatch(/^10\.96\.([1-9]\d*)\.\d+$/);
    const address = await api.request("GET", `/apis/networking.k8s.io/v1/ipaddresses/${body.spec.clusterIP}`);
    expect(address.body.spec.parentRef).toEqual({ group: "", resource: "services", namespace: "default", name: "web" });
    expect(address.body.metadata.labels).toEqual({
      "ipaddress.kubernetes.io/ip-family": "IPv4",
      "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
    });
  });

  it("are unique among a hundred that come at once, on two servers", async () => {
    const servers = [await start({ cidrs: ["10.96.0.0/25"] }), await start({ cidrs: ["10.96.0.0/25"] })];
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => create(servers[i % 2]!, `s${i}`, { type: "NodePort" })),
    );
    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map(({ body }) => body.spec.clusterIP)).size).toBe(100);
    expect(new Set(answers.map(({ body }) => body.spec.ports[0].nodePort)).size).toBe(100);
  });

  it("are what is asked for, once", async () => {
    const api = await start();
    expect((await create(api, "a", { clusterIP: "10.96.0.10" })).body.spec.clusterIP).toBe("10.96.0.10");
    const { code, body } = await create(api, "b", { clusterIP: "10.96.0.10" });
    expect([code, body.message]).toEqual([
      422,
      'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    ]);
    const outside = await create(api, "c", { clusterIP: "192.0.2.1" });
    expect([outside.code, outside.body.message]).toEqual([
      422,
      expect.stringContaining(
        "the provided IP (192.0.2.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16",
      ),
    ]);
  });

  it("run out, and are free again when a Service goes", async () => {
    const api = await start({ cidrs: ["10.96.0.0/30"] });
    expect([(await create(api, "a")).code, (await create(api, "b")).code]).toEqual([201, 201]);
    const full = await create(api, "c");
    expect([full.code, full.body.message]).toEqual([
      500,
      "Internal error occurred: failed to allocate a serviceIP: range is full",
    ]);
    await api.request("DELETE", `${where}/a`);
    expect((await create(api, "c")).code).toBe(201);
  });

  it("wait for the last finalizer", async () => {
    const api = await start();
    const held = { ...service("held"), metadata: { name: "held", finalizers: ["example.com/x"] } };
    await api.request("POST", where, held);
    const { body } = await api.request("DELETE", `${where}/held`);
    expect(await addresses(api)).toEqual([body.spec.clusterIP]);
    await api.request("PUT", `${where}/held`, { ...body, metadata: { ...body.metadata, finalizers: [] } });
    expect(await addresses(api)).toEqual([]);
  });

  it("stay through updates, and go when the type has none", async () => {
    const api = await start();
    const { body } = await create(api, "web", { type: "NodePort" });
    const updated = await api.request("PUT", `${where}/web`, {
      ...service("web", { type: "NodePort" }),
      metadata: { name: "web", labels: { a: "b" } },
    });
    expect(updated.body.spec.clusterIP).toBe(body.spec.clusterIP);
    expect(updated.body.spec.ports[0].nodePort).toBe(body.spec.ports[0].nodePort);
    const external = {
      ...updated.body,
      spec: { ...updated.body.spec, type: "ExternalName", externalName: "example.com" },
    };
    const changed = await api.request("PUT", `${where}/web`, external);
    expect([changed.code, changed.body.spec.clusterIP, changed.body.spec.ports[0].nodePort]).toEqual([
      200,
      undefined,
      undefined,
    ]);
    expect(await addresses(api)).toEqual([]);
    const again = await create(api, "next", {
      type: "NodePort",
      ports: [{ port: 80, nodePort: body.spec.ports[0].nodePort }],
    });
    expect(again.code).toBe(201);
  });

  it("are not given to headless and external Services, nor by a dry run", async () => {
    const api = await start();
    expect((await create(api, "headless", { clusterIP: "None" })).body.spec.clusterIPs).toEqual(["None"]);
    expect((await create(api, "external", { type: "ExternalName", externalName: "example.com" })).code).toBe(201);
    const dry = await create(api, "dry", {}, "?dryRun=All");
    expect(dry.body.spec.clusterIP).toMatch(/^10\.96\./);
    expect(await addresses(api)).toEqual([]);
  });

  it("go back when the Service is there already", async () => {
    const api = await start();
    await create(api, "web");
    expect((await create(api, "web")).code).toBe(409);
    expect((await addresses(api)).length).toBe(1);
  });
});

describe("two families", () => {
  const cidrs = ["10.96.0.0/16", "fd00:10:96::/112"];

  it("are given where they are asked for", async () => {
    const api = await start({ cidrs });
    const { body } = await create(api, "two", { ipFamilyPolicy: "RequireDualStack" });
    expect(body.spec.ipFamilies).toEqual(["IPv4", "IPv6"]);
    expect(body.spec.clusterIPs[1]).toMatch(/^fd00:10:96::/);
    const single = { ...body, spec: { ...body.spec, ipFamilyPolicy: "SingleStack" } };
    const trimmed = await api.request("PUT", `${where}/two`, single);
    expect([trimmed.code, trimmed.body.spec.clusterIPs]).toEqual([200, [body.spec.clusterIP]]);
    expect(await addresses(api)).toEqual([body.spec.clusterIP]);
    const upgraded = await api.request("PUT", `${where}/two`, {
      ...trimmed.body,
      spec: { ...trimmed.body.spec, ipFamilyPolicy: "PreferDualStack" },
    });
    expect([upgraded.code, upgraded.body.spec.clusterIPs.length]).toEqual([200, 2]);
  });

  it("are refused by a cluster of one", async () => {
    const api = await start();
    const { code, body } = await create(api, "two", { ipFamilyPolicy: "RequireDualStack" });
    expect([code, body.message]).toEqual([
      422,
      expect.stringContaining("this cluster is not configured for dual-stack services"),
    ]);
    expect((await create(api, "prefer", { ipFamilyPolicy: "PreferDualStack" })).body.spec.ipFamilies).toEqual(["IPv4"]);
    expect((await create(api, "six", { ipFamilies: ["IPv6"] })).body.message).toContain(
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
  });
});

describe("node ports", () => {
  it("are one for both protocols of a port", async () => {
    const api = await start();
    const ports = [
      { name: "t", port: 53, protocol: "TCP" },
      { name: "u", port: 53, protocol: "UDP" },
      { name: "w", port: 80 },
    ];
    const { body } = await create(api, "dns", { type: "NodePort", ports });
    const [tcp, udp, web] = body.spec.ports.map(({ nodePort }: { nodePort: number }) => nodePort);
    expect(tcp).toBe(udp);
    expect(web).not.toBe(tcp);
    // The lower 86 are for who asks for one.
    expect(tcp).toBeGreaterThanOrEqual(30086);
  });

  it("are refused where they are taken or outside, and nothing is kept of a refusal", async () => {
    const api = await start({ ports: "30000-30001" });
    const ask = (name: string, nodePort: number) =>
      create(api, name, { type: "NodePort", ports: [{ port: 80, nodePort }] });
    expect((await ask("a", 30000)).code).toBe(201);
    expect((await ask("b", 30000)).body.message).toBe(
      'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated',
    );
    expect((await ask("c", 40000)).body.message).toContain(
      "provided port is not in the valid range. The range of valid ports is 30000-30001",
    );
    expect((await ask("d", 30001)).code).toBe(201);
    expect((await create(api, "e", { type: "NodePort" })).body.message).toBe(
      "Internal error occurred: failed to allocate a nodePort: range is full",
    );
    expect((await addresses(api)).length).toBe(2);
  });

  it("are given for health checks of local traffic", async () => {
    const api = await start();
    const { body } = await create(api, "lb", { type: "LoadBalancer", externalTrafficPolicy: "Local" });
    expect(body.spec.healthCheckNodePort).toBeGreaterThanOrEqual(30086);
    expect(body.spec.healthCheckNodePort).not.toBe(body.spec.ports[0].nodePort);
    const none = await create(api, "none", { type: "LoadBalancer", allocateLoadBalancerNodePorts: false });
    expect(none.body.spec.ports[0].nodePort).toBeUndefined();
  });
});

describe("a server that starts", () => {
  it("says its ranges, knows what is taken, and makes claims that lack", async () => {
    const first = await start();
    const { body } = await create(first, "web", { type: "NodePort" });
    const claim = (await store.range({ prefix: `/networking.k8s.io/ipaddresses/${body.spec.clusterIP}` })).items[0]!;
    await store.delete(claim.key, claim.modRevision);
    const second = await start();
    expect(await addresses(second)).toEqual([body.spec.clusterIP]);
    expect((await create(second, "same", { clusterIP: body.spec.clusterIP })).code).toBe(422);
    const cidr = await second.request("GET", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes");
    expect(cidr.body.spec.cidrs).toEqual(["10.96.0.0/16"]);
  });
});

describe("servers of two machines, on one etcd", () => {
  it("never give out one address or port twice", async () => {
    const etcd = await startEtcd();
    const stores = [0, 1].map(() => new EtcdStore({ endpoints: [etcd.endpoint], prefix: "/two" }));
    try {
      const small = { cidrs: ["10.96.0.0/26"], ports: "30000-30061" };
      const servers = [await start({ ...small, store: stores[0]! }), await start({ ...small, store: stores[1]! })];
      const answers = await Promise.all(
        Array.from({ length: 70 }, (_, i) => create(servers[i % 2]!, `s${i}`, { type: "NodePort" })),
      );
      const made = answers.filter(({ code }) => code === 201);
      // All 62 that there are, and each refusal says why.
      expect(made.length).toBe(62);
      expect(new Set(made.map(({ body }) => body.spec.clusterIP)).size).toBe(62);
      expect(new Set(made.map(({ body }) => body.spec.ports[0].nodePort)).size).toBe(62);
      const refused = answers.filter(({ code }) => code !== 201);
      for (const { code, body } of refused)
        expect([code, body.message]).toEqual([500, expect.stringContaining("range is full")]);
      for (const one of running.splice(0)) {
        one.allocation.close();
        await one.server.close(0);
      }
    } finally {
      for (const one of stores) await one.close();
      await etcd.stop();
    }
  });
});

describe("what a crash leaves behind", () => {
  it("is given back once it is old and nobody has come for it twice", async () => {
    const api = await start();
    const { body } = await create(api, "lost", { type: "NodePort" });
    const [item] = (await store.range({ prefix: "/services/default/lost" })).items;
    // As if the server had stopped between the claims and the Service.
    await store.delete(item!.key, item!.modRevision);
    await api.allocation.compare();
    clock += 61_000;
    await api.allocation.compare();
    expect(await addresses(api)).toEqual([body.spec.clusterIP]);
    await api.allocation.compare();
    expect(await addresses(api)).toEqual([]);
    const ports = [{ port: 80, nodePort: body.spec.ports[0].nodePort }];
    expect((await create(api, "next", { type: "NodePort", ports })).code).toBe(201);
  });
});
