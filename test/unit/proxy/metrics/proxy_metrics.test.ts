/** kube-proxy's metrics: which there are in a mode, and what events make of them. */
import { describe, expect, it } from "vitest";
import { registerProcessMetrics } from "../../../../src/http/process_metrics.ts";
import { ProxyMetrics } from "../../../../src/proxy/metrics/proxy_metrics.ts";
import { endpoint, servicePort, wanted } from "../../../fixtures/proxied.ts";
import { parseMetrics, type Family } from "../../../fixtures/prometheus_text.ts";

const now = Date.parse("2026-01-01T00:00:10Z");
const metricsOf = (mode = "nftables") => new ProxyMetrics({ mode, now: () => now });
const read = async (metrics: ProxyMetrics) => parseMetrics(await metrics.registry.metrics());
const samples = (families: ReadonlyMap<string, Family>, name: string) =>
  Object.fromEntries(families.get(name)?.samples ?? []);

describe("metrics", () => {
  it("are kube-proxy's of the nftables mode", async () => {
    const families = await read(metricsOf());
    expect([...families].map(([name, { type }]) => `${name} ${type}`).sort()).toEqual([
      "kubeproxy_conntrack_reconciler_deleted_entries_total counter",
      "kubeproxy_conntrack_reconciler_sync_duration_seconds histogram",
      "kubeproxy_network_programming_duration_seconds histogram",
      "kubeproxy_proxy_healthz_total counter",
      "kubeproxy_proxy_livez_total counter",
      "kubeproxy_sync_full_proxy_rules_duration_seconds histogram",
      "kubeproxy_sync_partial_proxy_rules_duration_seconds histogram",
      "kubeproxy_sync_proxy_rules_duration_seconds histogram",
      "kubeproxy_sync_proxy_rules_endpoint_changes_pending gauge",
      "kubeproxy_sync_proxy_rules_endpoint_changes_total counter",
      "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds gauge",
      "kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge",
      "kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total counter",
      "kubeproxy_sync_proxy_rules_nftables_sync_failures_total counter",
      "kubeproxy_sync_proxy_rules_no_local_endpoints_total gauge",
      "kubeproxy_sync_proxy_rules_service_changes_pending gauge",
      "kubeproxy_sync_proxy_rules_service_changes_total counter",
      "rest_client_request_duration_seconds histogram",
      "rest_client_requests_total counter",
    ]);
    for (const { help } of families.values()) expect(help).toMatch(/^\[ALPHA\] /);
  });

  it("of other modes are those that the mode has", async () => {
    const names = async (mode: string) =>
      [...(await read(metricsOf(mode))).keys()].filter((n) => /tables|full/.test(n));
    expect((await names("iptables")).sort()).toEqual([
      "kubeproxy_sync_full_proxy_rules_duration_seconds",
      "kubeproxy_sync_proxy_rules_iptables_last",
      "kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total",
      "kubeproxy_sync_proxy_rules_iptables_restore_failures_total",
      "kubeproxy_sync_proxy_rules_iptables_total",
    ]);
    expect(await names("ipvs")).toEqual(["kubeproxy_sync_proxy_rules_iptables_restore_failures_total"]);
    expect(await names("ebpf")).toEqual([]);
  });

  it("tell how a sync went, and since when its changes waited", async () => {
    const metrics = metricsOf();
    metrics.queued("IPv6");
    metrics.synced("IPv6", { seconds: 0.003, isFull: false, triggerTimes: [now - 400, now - 3500] });
    metrics.synced("IPv4", { seconds: 0.003, isFull: true });
    metrics.syncFailed("IPv4");
    const families = await read(metrics);
    const ofSync = samples(families, "kubeproxy_sync_proxy_rules_duration_seconds");
    expect(ofSync['bucket{le="0.002",ip_family="IPv6"}']).toBe(0);
    expect(ofSync['bucket{le="0.004",ip_family="IPv6"}']).toBe(1);
    expect(ofSync['bucket{le="16.384",ip_family="IPv6"}']).toBe(1);
    expect(ofSync['count{ip_family="IPv4"}']).toBe(1);
    expect(samples(families, "kubeproxy_sync_full_proxy_rules_duration_seconds")).not.toHaveProperty(
      'count{ip_family="IPv6"}',
    );
    expect(samples(families, "kubeproxy_sync_proxy_rules_last_timestamp_seconds")).toEqual({
      '{ip_family="IPv4"}': now / 1000,
      '{ip_family="IPv6"}': now / 1000,
    });
    expect(samples(families, "kubeproxy_sync_proxy_rules_nftables_sync_failures_total")).toEqual({
      '{ip_family="IPv4"}': 1,
    });
    const programming = samples(families, "kubeproxy_network_programming_duration_seconds");
    expect(programming['bucket{le="0.5",ip_family="IPv6"}']).toBe(1);
    expect(programming['bucket{le="4",ip_family="IPv6"}']).toBe(2);
    expect(programming['sum{ip_family="IPv6"}']).toBeCloseTo(3.9);
    expect(programming).not.toHaveProperty('count{ip_family="IPv4"}');
    // 0.25, 0.5, 1 to 59, 60 to 115 by 5, 120 to 300 by 30, and +Inf.
    expect(Object.keys(programming).filter((key) => key.startsWith("bucket"))).toHaveLength(2 + 59 + 12 + 7 + 1);
  });

  it("count changes, probes, requests and conntrack entries", async () => {
    const metrics = metricsOf();
    metrics.changed("service", 1);
    metrics.changed("service", 2);
    metrics.changed("endpoint", 7);
    metrics.pending("service", 0);
    metrics.probed("healthz", 503);
    metrics.probed("livez", 200);
    metrics.conntrackCleaned("IPv4", 0.1, 3);
    metrics.requests.sent("api:6443", { method: "GET", code: 200, seconds: 0.02 });
    metrics.requests.sent("api:6443", { method: "GET", code: undefined, seconds: 5 });
    const families = await read(metrics);
    const value = (name: string) => samples(families, name);
    expect(value("kubeproxy_sync_proxy_rules_service_changes_total")).toEqual({ "": 2 });
    expect(value("kubeproxy_sync_proxy_rules_service_changes_pending")).toEqual({ "": 0 });
    expect(value("kubeproxy_sync_proxy_rules_endpoint_changes_pending")).toEqual({ "": 7 });
    expect(value("kubeproxy_proxy_healthz_total")).toEqual({ '{code="503"}': 1 });
    expect(value("kubeproxy_proxy_livez_total")).toEqual({ '{code="200"}': 1 });
    expect(value("kubeproxy_conntrack_reconciler_deleted_entries_total")).toEqual({ '{ip_family="IPv4"}': 3 });
    expect(value("rest_client_requests_total")).toEqual({
      '{code="200",method="GET",host="api:6443"}': 1,
      '{code="<error>",method="GET",host="api:6443"}': 1,
    });
  });

  it("count service ports of policy Local that have endpoints elsewhere alone", async () => {
    const metrics = metricsOf();
    const away = [endpoint("10.245.0.1", false)];
    const internal = wanted(servicePort(1, { internalLocal: true }), away);
    const both = wanted(servicePort(2, { internalLocal: true, externalLocal: true, nodePort: 30_001 }), away);
    const here = wanted(servicePort(2, { internalLocal: true, externalLocal: true }), [endpoint("10.244.1.11")]);
    metrics.programmed("IPv4", undefined, internal);
    metrics.programmed("IPv4", undefined, both);
    metrics.programmed("IPv4", undefined, wanted(servicePort(3, { internalLocal: true }), []));
    const name = "kubeproxy_sync_proxy_rules_no_local_endpoints_total";
    const labels = (policy: string, family = "IPv4") => `{ip_family="${family}",traffic_policy="${policy}"}`;
    const zero = { [labels("internal", "IPv6")]: 0, [labels("external", "IPv6")]: 0 };
    expect(samples(await read(metrics), name)).toEqual({ ...zero, [labels("internal")]: 2, [labels("external")]: 1 });
    metrics.programmed("IPv4", both, here);
    metrics.programmed("IPv4", internal, undefined);
    expect(samples(await read(metrics), name)).toEqual({ ...zero, [labels("internal")]: 0, [labels("external")]: 0 });
  });
});

it("tells of the process what Prometheus's clients tell", async () => {
  const metrics = metricsOf();
  registerProcessMetrics(metrics.registry);
  const families = await read(metrics);
  const value = (name: string) => families.get(name)!.samples.get("")!;
  expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(10e6);
  expect(value("process_virtual_memory_bytes")).toBeGreaterThan(value("process_resident_memory_bytes"));
  expect(value("process_open_fds")).toBeGreaterThan(2);
  expect(value("process_max_fds")).toBeGreaterThan(value("process_open_fds"));
  expect(Math.abs(value("process_start_time_seconds") - (Date.now() / 1000 - process.uptime()))).toBeLessThan(2);
});
