/** What virtual servers and those behind them have counted, as /metrics/servers shows it. */
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { kubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import { HttpListener } from "../../../../src/http/listener.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import type { ServerCount, ServerTraffic } from "../../../../src/model/server_count.ts";
import { ipvsMode } from "../../../../src/proxy/agent/ipvs_mode.ts";
import { metricsRoutes } from "../../../../src/proxy/metrics/metrics_routes.ts";
import { ProxyMetrics } from "../../../../src/proxy/metrics/proxy_metrics.ts";
import { renderServerCounts } from "../../../../src/proxy/metrics/server_counters.ts";
import { eventually } from "../../../fixtures/eventually.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { FakeIpvsPorts } from "../../../fixtures/fake_ipvs_ports.ts";
import { ipvsOptions } from "../../../fixtures/ipvs_options.ts";
import { parseMetrics } from "../../../fixtures/prometheus_text.ts";
import { endpoint, servicePort, wanted } from "../../../fixtures/proxied.ts";

const ip = (text: string): IpAddress => text as IpAddress;
const traffic = (first: number): ServerTraffic => {
  const [connections, packetsIn, packetsOut, bytesIn, bytesOut] = [0, 1, 2, 3, 4].map((i) => BigInt(first + i));
  return {
    connections: connections!,
    packetsIn: packetsIn!,
    packetsOut: packetsOut!,
    bytesIn: bytesIn!,
    bytesOut: bytesOut!,
  };
};
const key = (address: string, port: number) => ({ address: ip(address), port, protocol: "tcp" }) as const;

let listener: HttpListener | undefined;
afterEach(() => listener?.close());

async function serve(serverCounts: () => Promise<readonly ServerCount[]>): Promise<number> {
  const { registry } = new ProxyMetrics({ mode: "ipvs", now: Date.now });
  const handler = metricsRoutes({ registry, mode: "ipvs", configz: {}, serverCounts });
  listener = await HttpListener.open({ host: "127.0.0.1", port: 0 }, handler);
  return listener.port;
}

/** The mode with one Service that has a node port, on a kernel in memory. */
async function opened() {
  const ports = await FakeIpvsPorts.create();
  const iptables = { IPv4: ports.iptables, IPv6: ports.iptables };
  const head = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  const config = kubeProxyConfiguration.parse({ ...head, mode: "ipvs" });
  const given = { ...ports, iptables, config, randomFully: true, clock: new FakeClock() };
  const mode = ipvsMode({ ...given, onLackingScheduler: () => undefined });
  const { ruleset, kernel } = mode.rules(ipvsOptions("IPv4"));
  ruleset.set("default/service-1/TCP", wanted(servicePort(1, { nodePort: 30_080 }), [endpoint("10.244.1.11")]));
  await kernel.repair();
  return { mode, ipvs: ports.ipvs };
}

describe("statistics of virtual servers", () => {
  it("are the kernel's of each and of each behind it, by its Service, and nobody else's", async () => {
    const { mode, ipvs } = await opened();
    const [cluster, node, foreign] = [key("10.96.0.1", 80), key("192.0.2.1", 30_080), key("203.0.113.1", 80)];
    const destination = { address: ip("10.244.1.11"), port: 8080 };
    await ipvs.apply([{ verb: "addService", service: { key: foreign, scheduler: "rr" } }]);
    ipvs.count(cluster, traffic(10));
    ipvs.count(node, traffic(20));
    ipvs.count(foreign, traffic(30));
    ipvs.load(cluster, destination, { activeConnections: 5, inactiveConnections: 6, counters: traffic(2 ** 40) });
    const port = await serve(mode.serverCounts!);
    const answer = await fetch(`http://127.0.0.1:${port}/metrics/servers`);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const found = parseMetrics(await answer.text());
    const samples = (name: string) => Object.fromEntries(found.get(`fairlead_ipvs_${name}`)!.samples);
    const labels = (at: string, number: number) =>
      `local_address="${at}",local_port="${number}",proto="TCP",service="default/service-1"`;
    const [ofCluster, ofNode] = [labels("10.96.0.1", 80), labels("192.0.2.1", 30_080)];
    for (const [i, name] of [
      "connections",
      "incoming_packets",
      "outgoing_packets",
      "incoming_bytes",
      "outgoing_bytes",
    ].entries()) {
      expect(samples(`${name}_total`)).toEqual({ [`{${ofCluster}}`]: 10 + i, [`{${ofNode}}`]: 20 + i });
      expect(samples(`backend_${name}_total`)).toMatchObject({ [`{${behind(ofCluster)}}`]: 2 ** 40 + i });
    }
    expect(samples("backend_connections_active")).toEqual({
      [`{${behind(ofCluster)}}`]: 5,
      [`{${behind(ofNode)}}`]: 0,
    });
    expect(samples("backend_connections_inactive")[`{${behind(ofCluster)}}`]).toBe(6);
    expect(samples("backend_weight")[`{${behind(ofCluster)}}`]).toBe(1);
  });

  const behind = (labels: string): string => `${labels},remote_address="10.244.1.11",remote_port="8080"`;

  it("are read once for all who ask, and hold nobody up, however many there are", async () => {
    const destinations = Array.from({ length: 4 }, (_, i) => {
      const at = { address: ip(`10.244.1.${i}`), port: 8080, weight: 1 };
      return { ...at, activeConnections: 1, inactiveConnections: 2, counters: traffic(i) };
    });
    const counts = Array.from({ length: 2000 }, (_, i): ServerCount => {
      const at = { protocol: "TCP", address: ip("10.96.0.1"), port: i } as const;
      return { ...at, service: `default/service-${i}`, counters: traffic(i), destinations };
    });
    let reads = 0;
    const port = await serve(() => Promise.resolve((reads++, counts)));
    const lengthOf = async () =>
      (await (await fetch(`http://127.0.0.1:${port}/metrics/servers`)).arrayBuffer()).byteLength;
    const [one, two] = await Promise.all([lengthOf(), lengthOf()]);
    expect(one).toBe([...renderServerCounts(counts)].join("").length);
    expect(two).toBe(one);
    expect(reads).toBeLessThanOrEqual(2);
    // A few ms each, and between two of them the event loop turns.
    const lines = Array.from(renderServerCounts(counts), (part) => part.split("\n").length);
    expect(Math.max(...lines)).toBeLessThan(1010);
  }, 60_000);

  it("are made no further for a client that has gone", async () => {
    const text = "x".repeat(100_000);
    let made = 0;
    let isOver = false;
    function* endless(): Generator<string> {
      try {
        for (;;) yield (made++, text);
      } finally {
        isOver = true;
      }
    }
    listener = await HttpListener.open({ host: "127.0.0.1", port: 0 }, () => ({ code: 200, body: endless() }));
    const socket = connect(listener.port, "127.0.0.1").on("error", () => undefined);
    socket.write("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    socket.pause();
    await eventually("a part", () => made > 0);
    socket.destroy();
    await eventually("the end", () => isOver);
  });
});
