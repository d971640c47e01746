/** What metricsBindAddress serves. */
import { afterEach, describe, expect, it } from "vitest";
import type { EndpointSlice } from "../../../../src/model/kubernetes.ts";
import { parseConfig } from "../../../../src/config/read.ts";
import { kubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import type { RelayCounts } from "../../../../src/kernel/ports.ts";
import { registerRelayMetrics } from "../../../../src/proxy/metrics/relay_metrics.ts";
import { formatDuration, parseDuration } from "../../../../src/config/duration.ts";
import { HttpListener } from "../../../../src/http/listener.ts";
import { configz } from "../../../../src/proxy/metrics/configz.ts";
import type { FrontendCount } from "../../../../src/model/service.ts";
import { renderFrontendCounts } from "../../../../src/proxy/metrics/frontend_counters.ts";
import { metricsRoutes, type MetricsSources } from "../../../../src/proxy/metrics/metrics_routes.ts";
import { ProxyMetrics } from "../../../../src/proxy/metrics/proxy_metrics.ts";
import { TriggerTimes } from "../../../../src/proxy/metrics/trigger_times.ts";
import { watchLoop } from "../../../fixtures/event_loop.ts";
import { parseMetrics } from "../../../fixtures/prometheus_text.ts";
import fc from "../../../fixtures/property.ts";
import { stored } from "../../../fixtures/service_objects.ts";

const config = parseConfig(
  [
    "apiVersion: kubeproxy.config.k8s.io/v1alpha1",
    "kind: KubeProxyConfiguration",
    'healthzBindAddress: "[::1]:1234"',
    "nftables: {syncPeriod: 90s}",
    "conntrack: {tcpEstablishedTimeout: 0s}",
  ].join("\n"),
  "config",
  kubeProxyConfiguration,
);
let listener: HttpListener | undefined;
afterEach(() => listener?.close());

async function serve(more: Partial<MetricsSources> = {}): Promise<(path: string) => Promise<Response>> {
  const { registry } = new ProxyMetrics({ mode: "nftables", now: Date.now });
  const handler = metricsRoutes({ registry, mode: "nftables", configz: configz(config), ...more });
  listener = await HttpListener.open({ host: "127.0.0.1", port: 0 }, handler);
  const { port } = listener;
  return (path) => fetch(`http://127.0.0.1:${port}${path}`);
}

describe("the metrics server", () => {
  it("serves metrics, the mode, the configuration and its own health", async () => {
    const get = await serve();
    const metrics = await get("/metrics");
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(parseMetrics(await metrics.text()).size).toBeGreaterThan(10);
    const mode = await get("/proxyMode");
    expect([mode.headers.get("content-type"), await mode.text()]).toEqual(["text/plain; charset=utf-8", "nftables"]);
    expect(await (await get("/healthz")).text()).toBe("ok");
    expect(await (await get("/healthz?verbose")).text()).toBe("[+]ping ok\nhealthz check passed\n");
    expect((await get("/debug/pprof/")).status).toBe(404);
    expect((await get("/metrics/frontends")).status).toBe(404);
  });

  it("shows a configuration that can be read again", async () => {
    const shown = (await (await (await serve())("/configz")).json()) as Record<string, Record<string, unknown>>;
    const written = shown["kubeproxy.config.k8s.io"]!;
    expect(written).toMatchObject({
      mode: "auto",
      healthzBindAddress: "[::1]:1234",
      metricsBindAddress: "127.0.0.1:10249",
      configSyncPeriod: "15m0s",
      nftables: { syncPeriod: "1m30s", minSyncPeriod: "0s" },
      conntrack: { tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "1h0m0s", maxPerCore: 32_768 },
    });
    expect(parseConfig(JSON.stringify(written), "configz", kubeProxyConfiguration)).toEqual(config);
  });

  it("reads what frontends count when somebody asks, once for all who do, and holds nobody up", async () => {
    let reads = 0;
    const counts = Array.from({ length: 10_000 }, (_, i): FrontendCount => ({
      service: `ns/service-${i}:p"\\`,
      family: "IPv4",
      protocol: "TCP",
      address: i === 0 ? undefined : "10.96.0.1",
      port: i,
      packets: 2n ** 63n,
      bytes: BigInt(i),
    }));
    const get = await serve({ frontendCounts: () => Promise.resolve((reads++, counts)) });
    const texts = await Promise.all([1, 2, 3].map(async () => (await get("/metrics/frontends")).text()));
    expect(new Set(texts).size).toBe(1);
    expect(reads).toBeLessThan(3);
    const packets = parseMetrics(texts[0]!).get("fairlead_frontend_packets_total")!.samples;
    expect(packets.size).toBe(10_000);
    const first = '{address="",ip_family="IPv4",port="0",protocol="TCP",service="ns/service-0:p\\"\\\\"}';
    expect(packets.get(first)).toBe(2 ** 63);
    expect((await watchLoop(() => renderFrontendCounts(counts))).longestMs).toBeLessThan(50);
    expect(texts[0]).not.toContain("relay");
  });

  it("shows what a relay counts of the frontends that it serves", async () => {
    const place = { service: "ns/web", family: "IPv4", protocol: "UDP", address: "10.96.0.1", port: 53 } as const;
    const relayed = { connections: 1n, refused: 2n, retries: 3n, bytesIn: 4n, bytesOut: 5n, dropped: 6n };
    const counts = [
      { ...place, packets: 7n, bytes: 8n, relayed },
      { ...place, port: 54, packets: 9n, bytes: 10n },
    ];
    const shown = [...parseMetrics(await renderFrontendCounts(counts))].filter(([name]) => name.includes("_relay_"));
    const labels = '{address="10.96.0.1",ip_family="IPv4",port="53",protocol="UDP",service="ns/web"}';
    expect(Object.fromEntries(shown.map(([name, { samples }]) => [name, [...samples]]))).toEqual({
      fairlead_frontend_relay_connections_total: [[labels, 1]],
      fairlead_frontend_relay_refused_total: [[labels, 2]],
      fairlead_frontend_relay_retries_total: [[labels, 3]],
      fairlead_frontend_relay_received_bytes_total: [[labels, 4]],
      fairlead_frontend_relay_sent_bytes_total: [[labels, 5]],
      fairlead_frontend_relay_dropped_datagrams_total: [[labels, 6]],
    });
  });

  it("shows what a relay counts of itself, as it is when somebody asks, and all else once that is closed", async () => {
    const { registry } = new ProxyMetrics({ mode: "userspace", now: Date.now });
    const counts = { connections: 2, flows: 3, overflows: 4n, strangers: 5n, shortages: 6n };
    const relay = { counts: (): Promise<RelayCounts> => Promise.resolve(counts) };
    registerRelayMetrics(registry, relay);
    const names = ["connections", "flows", "overflows_total", "strangers_total", "shortages_total"];
    const read = async () => {
      const metrics = parseMetrics(await registry.metrics());
      return names.map((name) => metrics.get(`fairlead_relay_${name}`)!.samples.get(""));
    };
    expect(await read()).toEqual([2, 3, 4, 5, 6]);
    relay.counts = () => Promise.resolve({ ...counts, connections: 0, strangers: 9n });
    expect(await read()).toEqual([0, 3, 4, 9, 6]);
    relay.counts = () => Promise.reject(new Error("it is closed"));
    expect(await read()).toEqual([0, 0, 0, 0, 0]);
  });
});

it("writes durations as Go does, so that they read back", () => {
  for (const [ms, text] of [
    [0, "0s"],
    [300, "300ms"],
    [1500, "1.5s"],
    [60_000, "1m0s"],
    [3_661_001, "1h1m1.001s"],
    [86_400_000, "24h0m0s"],
  ] as const) {
    expect(formatDuration(ms)).toBe(text);
  }
  fc.assert(
    fc.property(fc.nat(), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBeCloseTo(ms, 6);
    }),
  );
});

describe("trigger times", () => {
  const at = (service: string, time: string, addressType = "IPv4"): [string, EndpointSlice] => {
    const annotations = { "endpoints.kubernetes.io/last-change-trigger-time": time };
    return [`ns/${service}`, stored({ addressType, metadata: { annotations } }, "s")];
  };
  const start = Date.parse("2026-01-01T00:00:00Z");

  it("are those of slices that came since the agent started and are not programmed yet", () => {
    const times = new TriggerTimes(start);
    times.changed(...at("a", "2026-01-01T00:00:05.25Z"));
    times.changed(...at("a", "2026-01-01T00:00:06Z"));
    times.changed(...at("b", "2025-12-31T23:59:59Z"));
    times.changed(...at("b", "no time"));
    times.changed(...at("c", "2026-01-01T00:00:07Z", "IPv6"));
    times.changed(...at("d", "2026-01-01T00:00:07Z"));
    times.removed(...at("d", "2026-01-01T00:00:07Z"));
    for (const service of ["ns/a", "ns/b", "ns/c", "ns/d"]) times.derived(service);
    // Came when its Service had been derived: the next turn programs it.
    times.changed(...at("a", "2026-01-01T00:00:08Z"));
    expect(times.take("IPv4")).toEqual([start + 5250, start + 6000]);
    expect(times.take("IPv4")).toEqual([]);
    expect(times.take("IPv6")).toEqual([start + 7000]);
  });

  it("are bounded while nothing is programmed", () => {
    const times = new TriggerTimes(start);
    for (let i = 0; i < 1000; i++) {
      times.changed(...at("a", "2026-01-01T00:00:05Z"));
      times.derived("ns/a");
    }
    expect(times.take("IPv4")).toHaveLength(100);
  });
});
