/** ServiceCIDRs that come and go while Services get addresses from them, on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { serviceCidrController } from "../../../../../src/controlplane/controllers/service_cidr/service_cidr.ts";
import type { Service } from "../../../../../src/model/kubernetes.ts";
import { systemClock } from "../../../../../src/reconcile/clock.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";

const { serviceCidrs, services } = resourceTypes;
let plane: TestControlPlane;
beforeAll(async () => {
  // Ten seconds ahead of the server: nothing waits for a deletion to be known.
  const clock = { now: () => Date.now() + 11_000, after: systemClock.after.bind(systemClock) };
  plane = await startTestControlPlane({ rows: [serviceCidrController], clock });
});
afterAll(() => plane.stop());

const make = (name: string, cidr: string) =>
  plane.client.create(serviceCidrs, { metadata: { name }, spec: { cidrs: [cidr] } });
const ready = async (name: string) => {
  const { status, metadata } = await plane.client.get(serviceCidrs, { name });
  const condition = status?.conditions?.find(({ type }) => type === "Ready");
  return condition && metadata.finalizers?.length === 1 ? condition : undefined;
};
const serve = (name: string, clusterIP?: string): Promise<Service> =>
  plane.client.create(services, {
    metadata: { namespace: "default", name },
    spec: { ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) },
  });

describe("a ServiceCIDR that is added", () => {
  it("gives Services addresses, and goes once the last of them is free", async () => {
    await expect(serve("early", "10.200.0.5")).rejects.toMatchObject({ code: 422 });
    await make("more", "10.200.0.0/24");
    expect(await eventually("the condition", () => ready("more"))).toMatchObject({ status: "True" });
    expect((await serve("late", "10.200.0.5")).spec.clusterIP).toBe("10.200.0.5");
    await plane.client.delete(serviceCidrs, { name: "more" });
    const held = await eventually("the refusal", async () => {
      const condition = await ready("more");
      return condition?.status === "False" ? condition : undefined;
    });
    expect(held).toMatchObject({ reason: "Terminating" });
    // It gives out no more of them.
    await expect(serve("last", "10.200.0.6")).rejects.toMatchObject({ code: 422 });
    await plane.client.delete(services, { namespace: "default", name: "late" });
    await eventually("its end", () => plane.client.get(serviceCidrs, { name: "more" }).then(() => false, isNotFound));
    expect(plane.complaints).toEqual([]);
  });

  it("is where addresses come from when the others are full", async () => {
    await plane.client.delete(serviceCidrs, { name: "kubernetes" });
    // The Service `kubernetes` has an address of it.
    await eventually("the refusal", async () => (await ready("kubernetes"))?.status === "False");
    await expect(serve("none")).rejects.toMatchObject({ message: expect.stringContaining("range is full") });
    await make("second", "10.201.0.0/30");
    expect((await serve("one")).spec.clusterIP).toMatch(/^10\.201\.0\.[12]$/);
    expect((await serve("two")).spec.clusterIP).toMatch(/^10\.201\.0\.[12]$/);
    await expect(serve("three")).rejects.toMatchObject({ message: expect.stringContaining("range is full") });
  });

  it("gives none while it is said not to be ready", async () => {
    await plane.client.create(serviceCidrs, { metadata: { name: "unready" }, spec: { cidrs: ["10.202.0.0/24"] } });
    await eventually("the condition", () => ready("unready"));
    await plane.stopControllers();
    const found = await plane.client.get(serviceCidrs, { name: "unready" });
    const condition = { ...found.status!.conditions![0]!, status: "False" };
    const status = { conditions: [condition] };
    await plane.client.update(serviceCidrs, { ...found, status }, { subresource: "status" });
    await expect(serve("unready", "10.202.0.5")).rejects.toMatchObject({ code: 422 });
    const again = await plane.client.get(serviceCidrs, { name: "unready" });
    await plane.client.update(serviceCidrs, { ...again, status: { conditions: [] } }, { subresource: "status" });
    expect((await serve("unready", "10.202.0.5")).spec.clusterIP).toBe("10.202.0.5");
  });
});
