/** /healthz and /livez over HTTP: when they are 503, and what they say. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { healthRoutes } from "../../../../src/proxy/health/health_routes.ts";
import { ProxyHealth, type NodeState } from "../../../../src/proxy/health/proxy_health.ts";
import { HttpListener } from "../../../../src/http/listener.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";

const healthyNode: NodeState = { metadata: {}, spec: {} };
let clock: FakeClock;
let node: NodeState | "unknown" | "gone";
let health: ProxyHealth;
let listener: HttpListener;
let probes: string[];

beforeEach(async () => {
  clock = new FakeClock(Date.parse("2026-01-01T00:00:00Z"));
  node = healthyNode;
  probes = [];
  health = new ProxyHealth({ now: () => clock.now(), timeoutMs: 60_000, node: () => node });
  const handler = healthRoutes(health, (probe, code) => probes.push(`${probe} ${code}`));
  listener = await HttpListener.open({ host: "127.0.0.1", port: 0 }, handler);
});
afterEach(() => listener.close());

async function get(path: string): Promise<{ code: number; type: string | null; body: Record<string, unknown> }> {
  const answer = await fetch(`http://127.0.0.1:${listener.port}${path}`);
  const body = (await answer.json()) as Record<string, unknown>;
  return { code: answer.status, type: answer.headers.get("content-type"), body };
}
const codes = async () => [(await get("/healthz")).code, (await get("/livez")).code];

describe("health", () => {
  it("is good while the proxy starts, and says just now", async () => {
    node = "unknown";
    health.queued("IPv4");
    clock.advance(3_600_000);
    expect(await get("/healthz")).toEqual({
      code: 200,
      type: "application/json",
      body: {
        lastUpdated: "2026-01-01T01:00:00.000Z",
        currentTime: "2026-01-01T01:00:00.000Z",
        nodeEligible: true,
        healthy: true,
      },
    });
    expect(Object.keys((await get("/livez")).body)).toEqual(["lastUpdated", "currentTime", "healthy"]);
  });

  it("is bad when a change of one family waits too long, until it is programmed", async () => {
    health.updated("IPv4");
    health.updated("IPv6");
    clock.advance(1000);
    health.queued("IPv6");
    clock.advance(59_999);
    // The one that waits longest counts.
    health.queued("IPv6");
    expect(await codes()).toEqual([200, 200]);
    clock.advance(1);
    expect(await get("/livez")).toMatchObject({
      code: 503,
      body: {
        lastUpdated: "2026-01-01T00:00:00.000Z",
        currentTime: "2026-01-01T00:01:01.000Z",
        healthy: false,
        status: {
          IPv4: { lastUpdated: "2026-01-01T00:00:00.000Z", healthy: true },
          IPv6: { lastUpdated: "2026-01-01T00:00:00.000Z", healthy: false },
        },
      },
    });
    expect((await get("/healthz")).code).toBe(503);
    health.updated("IPv4");
    expect(await codes()).toEqual([503, 503]);
    health.updated("IPv6");
    expect(await codes()).toEqual([200, 200]);
  });

  it("is bad on a node that ends, which lives all the same", async () => {
    health.updated("IPv4");
    const ending: readonly (typeof node)[] = [
      "gone",
      { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" }, spec: {} },
      { metadata: {}, spec: { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] } },
    ];
    clock.advance(5000);
    for (const state of ending) {
      node = state;
      expect(await codes()).toEqual([503, 200]);
      expect((await get("/healthz")).body).toMatchObject({
        nodeEligible: false,
        healthy: true,
        lastUpdated: "2026-01-01T00:00:00.000Z",
      });
    }
    node = { metadata: {}, spec: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] } };
    expect(await codes()).toEqual([200, 200]);
  });

  it("counts what it answered", async () => {
    node = "gone";
    await codes();
    expect(probes).toEqual(["healthz 503", "livez 200"]);
  });
});
