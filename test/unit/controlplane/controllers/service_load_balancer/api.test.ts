/** LoadBalancer Services on the real API server. */
import { afterEach, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { serviceLoadBalancerController } from "../../../../../src/controlplane/controllers/service_load_balancer/service_load_balancer.ts";
import type { Service } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";

const { services } = resourceTypes;
const namespace = "default";
let plane: TestControlPlane;
afterEach(() => plane.stop());

async function start(loadBalancerPool: readonly string[]): Promise<void> {
  plane = await startTestControlPlane({ rows: [serviceLoadBalancerController], options: { loadBalancerPool } });
}

const make = (name: string, spec: object = {}): Promise<Service> =>
  plane.client.create(services, {
    metadata: { namespace, name },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }], ...spec },
  });

const addresses = ({ status }: Service): string => (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip).join();

const until = (name: string, ips: string): Promise<Service> =>
  eventually(`${ips} of ${name}`, async () => {
    const found = await plane.client.get(services, { namespace, name });
    return addresses(found) === ips && found;
  });

describe("LoadBalancer Services", () => {
  it("get addresses, and give them back", async () => {
    await start(["192.0.2.1-192.0.2.2"]);
    await make("a");
    const a = await until("a", "192.0.2.1");
    expect(a.metadata.finalizers).toEqual(["service.kubernetes.io/load-balancer-cleanup"]);
    expect(a.status!.loadBalancer).toEqual({ ingress: [{ ip: "192.0.2.1", ipMode: "VIP" }] });
    await make("b", { loadBalancerIP: "192.0.2.2" });
    await until("b", "192.0.2.2");
    await make("c");
    await make("foreign", { loadBalancerClass: "example.com/lb" });
    await eventually("the refusal", () => plane.events.some(({ reason }) => reason === "SyncLoadBalancerFailed"));
    // What goes makes room for what waits.
    await plane.client.delete(services, { namespace, name: "a" });
    await until("c", "192.0.2.1");
    await eventually("the end", () =>
      plane.client.get(services, { namespace, name: "a" }).then(() => false, isNotFound),
    );
    await plane.client.patch(
      services,
      { namespace, name: "b" },
      { type: "merge", body: { spec: { type: "ClusterIP" } } },
    );
    const b = await until("b", "");
    await eventually("the finalizer's end", async () => {
      return ((await plane.client.get(services, { namespace, name: "b" })).metadata.finalizers ?? []).length === 0;
    });
    expect(b.spec.type).toBe("ClusterIP");
    await make("d");
    await until("d", "192.0.2.2");
    expect(addresses(await plane.client.get(services, { namespace, name: "foreign" }))).toBe("");
    expect(plane.complaints).toEqual([]);
  });

  it("get no address twice, however many come at once", async () => {
    await start(["192.0.2.0/25", "192.0.2.128/25"]);
    const names = Array.from({ length: 60 }, (_, i) => `s${i}`);
    await Promise.all(names.map((name) => make(name)));
    const given = await eventually("all", async () => {
      const { items } = await plane.client.list(services, { namespace });
      const ips = items.map(addresses).filter((ip) => ip !== "");
      return ips.length === names.length && ips;
    });
    expect(new Set(given).size).toBe(names.length);
    expect(plane.complaints).toEqual([]);
  });

  it("stay pending without a pool", async () => {
    await start([]);
    await make("alone");
    await make("other");
    await plane.client.delete(services, { namespace, name: "other" });
    const found = await plane.client.get(services, { namespace, name: "alone" });
    expect(found.metadata.finalizers).toBeUndefined();
    expect(found.status).toEqual({ loadBalancer: {} });
    expect(plane.events).toEqual([]);
  });
});
