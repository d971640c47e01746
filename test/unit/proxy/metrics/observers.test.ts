/** What health and metrics make of the agent's work. */
import { expect, it } from "vitest";
import type { EndpointSlice, Service } from "../../../../src/model/kubernetes.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import { keptService, keptSlice } from "../../../../src/proxy/agent/kept.ts";
import { joinObservers, type FamilySync, type Pending } from "../../../../src/proxy/agent/observer.ts";
import { HealthObserver, NodeHealth } from "../../../../src/proxy/health/health_observer.ts";
import { ProxyHealth } from "../../../../src/proxy/health/proxy_health.ts";
import type { ServiceHealth } from "../../../../src/proxy/health/service_health.ts";
import { MetricsObserver } from "../../../../src/proxy/metrics/metrics_observer.ts";
import { ProxyMetrics } from "../../../../src/proxy/metrics/proxy_metrics.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { parseMetrics } from "../../../fixtures/prometheus_text.ts";
import { node, service, stored } from "../../../fixtures/service_objects.ts";

const families = ["IPv4", "IPv6"] as const;
const start = Date.parse("2026-01-01T00:00:00Z");

function slice(time: string): EndpointSlice {
  const annotations = { "endpoints.kubernetes.io/last-change-trigger-time": time };
  return stored({ addressType: "IPv4", endpoints: [], ports: [], metadata: { annotations } }, "s");
}

function pending(object: Service | EndpointSlice, owner: string): Pending {
  return { kind: object.kind, owner, object };
}

function synced(family: FamilySync["family"], more: Partial<FamilySync> = {}): FamilySync {
  return { family, changes: [], steps: 1, repaired: false, durationMs: 2, nodePortAddresses: [], ...more };
}

it("metrics count what waits, and time what is programmed since it changed", async () => {
  const clock = new FakeClock(start);
  const metrics = new ProxyMetrics({ mode: "nftables", now: () => clock.now() });
  const observer = new MetricsObserver(metrics, families, start);
  const value = async (name: string, labels = "") =>
    parseMetrics(await metrics.registry.metrics())
      .get(`kubeproxy_${name}`)!
      .samples.get(labels);
  const programmed = () => value("network_programming_duration_seconds", 'count{ip_family="IPv4"}');

  observer.onPending(pending(service("a"), "ns/a"), false);
  observer.onPending(pending(slice("2026-01-01T00:00:01Z"), "ns/a"), false);
  expect(await value("sync_proxy_rules_service_changes_pending")).toBe(1);
  expect(await value("sync_proxy_rules_endpoint_changes_pending")).toBe(1);
  observer.onService("ns/a");
  observer.onSynced(synced("IPv4"));
  observer.onTurn();
  // Of the first list nothing is measured.
  expect(await programmed()).toBeUndefined();
  expect(await value("sync_proxy_rules_service_changes_pending")).toBe(0);

  clock.advance(10_000);
  observer.onPending(pending(slice("2026-01-01T00:00:09Z"), "ns/a"), false);
  observer.onPending(pending(slice("2026-01-01T00:00:09.5Z"), "ns/a"), false);
  observer.onPending(pending(slice("2026-01-01T00:00:09Z"), "ns/b"), false);
  observer.onPending(pending(slice("2026-01-01T00:00:09Z"), "ns/b"), true);
  expect(await value("sync_proxy_rules_endpoint_changes_pending")).toBe(4);
  observer.onService("ns/a");
  observer.onService("ns/b");
  observer.onFailed("IPv4");
  expect(await programmed()).toBeUndefined();
  observer.onSynced(synced("IPv4"));
  expect(await programmed()).toBe(2);
  expect(await value("network_programming_duration_seconds", 'sum{ip_family="IPv4"}')).toBeCloseTo(1.5);
  expect(await value("sync_proxy_rules_endpoint_changes_pending")).toBe(0);
  expect(await value("sync_proxy_rules_endpoint_changes_total")).toBe(5);
  expect(await value("sync_proxy_rules_nftables_sync_failures_total", '{ip_family="IPv4"}')).toBe(1);
});

it("health says of Services what is programmed, where node ports are served", () => {
  const clock = new FakeClock(start);
  const nodeHealth = new NodeHealth();
  const health = new ProxyHealth({ now: () => clock.now(), timeoutMs: 1000, node: () => nodeHealth.state });
  const said: unknown[] = [];
  const services: Pick<ServiceHealth, "set" | "setAddresses"> = {
    set: (...args) => said.push(args),
    setAddresses: (addresses) => said.push(addresses),
  };
  const options = { families, nodeName: "n1", isEverywhere: false };
  const health1 = new HealthObserver(health, services as ServiceHealth, options);
  const observer = joinObservers([health1, nodeHealth, {}]);
  const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32_000 };
  const local = service("a", spec);
  const endpoints = [{ addresses: ["10.0.0.1"], nodeName: "n1" }];
  const here = stored({ addressType: "IPv4", ports: [{ name: "", port: 80 }], endpoints, metadata: {} }, "s");

  observer.onPending?.(pending(local, "ns/a"), false);
  observer.onService?.("ns/a", keptService(local), [keptSlice(here, "n1")], []);
  expect(said).toEqual([]);
  const nodePortAddresses = ["192.0.2.1", "fe80::1"] as IpAddress[];
  for (const family of families) void observer.onSynced?.(synced(family, { nodePortAddresses }));
  expect(said).toEqual([]);
  observer.onTurn?.(1);
  expect(said).toEqual([
    ["192.0.2.1", "192.0.2.1"],
    ["ns/a", { port: 32_000, localEndpoints: 1 }],
  ]);
  said.length = 0;
  observer.onService?.("ns/a", undefined, [], []);
  for (const family of families) void observer.onSynced?.(synced(family));
  observer.onTurn?.(1);
  expect(said).toEqual(["all", ["ns/a", undefined]]);

  clock.advance(5000);
  expect(health.isHealthy()).toBe(true);
  observer.onPending?.(pending(local, "ns/a"), false);
  clock.advance(1000);
  expect(health.isHealthy()).toBe(false);
  observer.onNode?.(node("n1"));
  expect(health.isNodeEligible()).toBe(true);
  observer.onNode?.(undefined);
  expect(health.isNodeEligible()).toBe(false);
});
