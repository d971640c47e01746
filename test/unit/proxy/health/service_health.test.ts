/** Health-check node ports: which Services have one, what it answers, and when it opens and closes. */
import net from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EndpointSlice, Service } from "../../../../src/model/kubernetes.ts";
import { deriveHealthCheck } from "../../../../src/proxy/health/derive.ts";
import { planHealthPorts } from "../../../../src/proxy/health/plan.ts";
import { ServiceHealth } from "../../../../src/proxy/health/service_health.ts";
import { eventually } from "../../../fixtures/eventually.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { meta, service } from "../../../fixtures/service_objects.ts";

describe("which Services have one", () => {
  const local: Partial<Service["spec"]> = {
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 30_100,
  };
  type Endpoint = EndpointSlice["endpoints"][number];
  const slice = (addressType: string, ...endpoints: Endpoint[]): EndpointSlice => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: meta("s"),
    addressType,
    endpoints,
    ports: [
      { name: "a", port: 80 },
      { name: "b", port: 81 },
    ],
  });

  it("is load balancers of policy Local", () => {
    const check = (spec: Partial<Service["spec"]>) => deriveHealthCheck(service("a", { ...local, ...spec }), [], "n1");
    expect(check({})).toEqual({ port: 30_100, localEndpoints: 0 });
    expect(check({ type: "NodePort" })).toBeUndefined();
    expect(check({ externalTrafficPolicy: "Cluster" })).toBeUndefined();
    expect(check({ healthCheckNodePort: 0 })).toBeUndefined();
    expect(check({ healthCheckNodePort: 70_000 })).toBeUndefined();
  });

  it("counts addresses of this node's ready endpoints, once", () => {
    const slices = [
      slice(
        "IPv4",
        { addresses: ["10.0.0.1"], nodeName: "n1" },
        { addresses: ["10.0.0.2"], nodeName: "n1", conditions: { ready: false, serving: true, terminating: true } },
        { addresses: ["10.0.0.3"], nodeName: "n2" },
      ),
      slice("IPv4", { addresses: ["10.0.0.1"], nodeName: "n1" }, { addresses: ["10.0.0.4"], nodeName: "n1" }),
      slice("IPv6", { addresses: ["fd00::1"], nodeName: "n1" }),
    ];
    expect(deriveHealthCheck(service("a", local), slices, "n1")).toEqual({ port: 30_100, localEndpoints: 2 });
  });
});

it("plans to close before it opens", () => {
  const open = new Map([
    ["ns/a", 1],
    ["ns/b", 2],
    ["ns/c", 3],
  ]);
  const check = (port: number) => ({ port, localEndpoints: 0 });
  const wanted = new Map([
    ["ns/b", check(1)],
    ["ns/c", check(3)],
    ["ns/d", check(2)],
  ]);
  expect(planHealthPorts(open, wanted, ["ns/d", "ns/c", "ns/b", "ns/a"])).toEqual([
    { step: "close", service: "ns/b" },
    { step: "close", service: "ns/a" },
    { step: "open", service: "ns/d", port: 2 },
    { step: "open", service: "ns/b", port: 1 },
  ]);
});

describe("ports", () => {
  let clock: FakeClock;
  let events: string[];
  let isProxyHealthy: boolean;
  let subject: ServiceHealth;
  let port: number;
  beforeEach(async () => {
    clock = new FakeClock();
    events = [];
    isProxyHealthy = true;
    port = await freePort();
    subject = new ServiceHealth({
      nodeName: "n1",
      clock,
      recorder: {
        event: ({ kind, metadata }, type, reason, message) =>
          void events.push([kind, metadata.namespace, metadata.name, type, reason, message].join(" ")),
      },
      isProxyHealthy: () => isProxyHealthy,
      onError: () => undefined,
    });
    subject.setAddresses(["127.0.0.1"]);
  });
  afterEach(() => subject.close());

  it("say how many endpoints are here", async () => {
    subject.set("ns/a", { port, localEndpoints: 2 });
    await subject.settled();
    const answer = await ask(port);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-load-balancing-endpoint-weight")).toBe("2");
    expect(await answer.text()).toBe(
      '{\n\t"service": {\n\t\t"namespace": "ns",\n\t\t"name": "a"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
    );
    subject.set("ns/a", { port, localEndpoints: 0 });
    expect((await ask(port)).status).toBe(503);
    subject.set("ns/a", { port, localEndpoints: 1 });
    isProxyHealthy = false;
    const late = await ask(port, "/any/path");
    expect(late.status).toBe(503);
    expect(await late.json()).toMatchObject({ localEndpoints: 1, serviceProxyHealthy: false });
  });

  it("go with their Service, and from one to another", async () => {
    subject.set("ns/a", { port, localEndpoints: 1 });
    await subject.settled();
    subject.set("ns/b", { port, localEndpoints: 3 });
    subject.set("ns/a", undefined);
    await subject.settled();
    expect(events).toEqual([]);
    expect(await (await ask(port)).json()).toMatchObject({ service: { name: "b" }, localEndpoints: 3 });
    subject.set("ns/b", undefined);
    await subject.settled();
    await expect(ask(port)).rejects.toThrow("fetch failed");
  });

  it("that are taken make an Event, and open when they are free", async () => {
    const other = net.createServer().listen(port, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    subject.set("ns/a", { port, localEndpoints: 1 });
    await subject.settled();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatch(
      `Service ns a Warning FailedToStartServiceHealthcheck node n1 failed to start healthcheck "ns/a" on port ${port}: `,
    );
    expect(events[0]).toContain("EADDRINUSE");
    await new Promise((resolve) => other.close(resolve));
    clock.advance(10_000);
    await eventually("it is open", async () => (await ask(port).catch(() => undefined))?.status === 200);
  });

  it("move with the node's addresses", async () => {
    subject.set("ns/a", { port, localEndpoints: 1 });
    await subject.settled();
    subject.setAddresses(["127.0.0.2"]);
    await subject.settled();
    expect((await fetch(`http://127.0.0.2:${port}/`)).status).toBe(200);
    await expect(ask(port)).rejects.toThrow("fetch failed");
    subject.setAddresses("all");
    await subject.settled();
    expect((await ask(port)).status).toBe(200);
  });

  it("are all closed in the end, whatever is under way", async () => {
    subject.set("ns/a", { port, localEndpoints: 1 });
    await subject.close();
    await expect(ask(port)).rejects.toThrow("fetch failed");
    subject.set("ns/b", { port, localEndpoints: 1 });
    await subject.settled();
    await expect(ask(port)).rejects.toThrow("fetch failed");
  });
});

function ask(port: number, path = "/"): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`);
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
