/** The three controllers of endpoints on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { endpointSliceController } from "../../../../../src/controlplane/controllers/endpoint_slice/endpoint_slice.ts";
import { endpointSliceMirroringController } from "../../../../../src/controlplane/controllers/endpoint_slice_mirroring/endpoint_slice_mirroring.ts";
import { endpointsController } from "../../../../../src/controlplane/controllers/endpoints/endpoints.ts";
import type { EndpointSlice } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { makeNamespace } from "../../../../fixtures/namespaces.ts";

const { endpoints, endpointSlices, nodes, pods, services } = resourceTypes;
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [endpointSliceController, endpointSliceMirroringController, endpointsController],
  });
  const { client } = plane;
  const labels = { "topology.kubernetes.io/zone": "z1" };
  await client.create(nodes, { metadata: { name: "n1", labels }, spec: {} });
});
afterAll(() => plane.stop());

async function runPod(namespace: string, name: string, ip: string, ready = true, app = "web"): Promise<void> {
  const { client } = plane;
  const spec = { nodeName: "n1", containers: [{ name: "c", image: "i" }] };
  await client.create(pods, { metadata: { namespace, name, labels: { app } }, spec });
  const conditions = [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: "2026-01-01T00:00:00Z" }];
  const status = { phase: "Running", podIP: ip, podIPs: [{ ip }], conditions };
  await client.patch(pods, { namespace, name }, { type: "merge", body: { status } }, { subresource: "status" });
}

async function slicesOf(namespace: string, name: string): Promise<readonly EndpointSlice[]> {
  const labelSelector = `kubernetes.io/service-name=${name}`;
  return (await plane.client.list(endpointSlices, { namespace, labelSelector })).items;
}

const addressesOf = (slices: readonly EndpointSlice[]): string[] =>
  slices.flatMap((slice) => (slice.endpoints ?? []).map(({ addresses }) => addresses[0]!)).sort();
const web = (namespace: string, spec: object = {}) => ({
  metadata: { namespace, name: "web" },
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
});

describe("endpoints of a Service", () => {
  it("follow its pods", async () => {
    const { client } = plane;
    await makeNamespace(plane.client, "follow");
    await client.create(services, web("follow"));
    const placeholder = await eventually("a slice", async () => (await slicesOf("follow", "web"))[0]);
    expect(placeholder.endpoints ?? []).toEqual([]);
    await runPod("follow", "a", "10.244.0.1");
    await runPod("follow", "b", "10.244.0.2", false);
    await runPod("follow", "other", "10.244.0.3", true, "other");
    const [slice] = await eventually("both endpoints", async () => {
      const found = await slicesOf("follow", "web");
      return addressesOf(found).length === 2 && found;
    });
    expect(slice!.metadata.name).toBe(placeholder.metadata.name);
    const [a, b] = [...slice!.endpoints].sort((x, y) => (x.addresses[0]! < y.addresses[0]! ? -1 : 1));
    expect(a).toMatchObject({ addresses: ["10.244.0.1"], conditions: { ready: true }, nodeName: "n1", zone: "z1" });
    expect(b).toMatchObject({ addresses: ["10.244.0.2"], conditions: { ready: false, serving: false } });
    const legacy = await eventually("Endpoints", async () => {
      const found = await client.get(endpoints, { namespace: "follow", name: "web" });
      return found.subsets?.[0]?.notReadyAddresses && found;
    });
    expect(legacy.subsets).toMatchObject([
      { addresses: [{ ip: "10.244.0.1" }], notReadyAddresses: [{ ip: "10.244.0.2" }], ports: [{ port: 8080 }] },
    ]);
    await client.delete(pods, { namespace: "follow", name: "a" }, { gracePeriodSeconds: 0 });
    await eventually("a's end", async () => addressesOf(await slicesOf("follow", "web")).join() === "10.244.0.2");
    // The Endpoints with a selector are not mirrored.
    expect(await slicesOf("follow", "web")).toHaveLength(1);
  });

  it("come back when somebody deletes them", async () => {
    const { client } = plane;
    const [slice] = await slicesOf("follow", "web");
    await client.delete(endpointSlices, { namespace: "follow", name: slice!.metadata.name });
    await client.delete(endpoints, { namespace: "follow", name: "web" });
    await eventually("the slice", async () => addressesOf(await slicesOf("follow", "web")).join() === "10.244.0.2");
    await eventually("Endpoints", async () => {
      const { items } = await client.list(endpoints, { namespace: "follow" });
      return items.length === 1;
    });
  });

  it("pass to the hands of the operator when the selector goes, and are mirrored then", async () => {
    const { client } = plane;
    await makeNamespace(plane.client, "custom");
    await client.create(services, web("custom"));
    await runPod("custom", "a", "10.244.1.1");
    await eventually("a slice", async () => addressesOf(await slicesOf("custom", "web")).length === 1);
    const key = { namespace: "custom", name: "web" };
    await client.patch(services, key, { type: "merge", body: { spec: { selector: null } } });
    const managers = async (): Promise<string> => {
      const found = await slicesOf("custom", "web");
      return found.map(({ metadata }) => metadata.labels!["endpointslice.kubernetes.io/managed-by"]).join();
    };
    await eventually("the mirror", async () => (await managers()) === "endpointslicemirroring-controller.k8s.io");
    const subsets = [{ addresses: [{ ip: "192.0.2.7" }], ports: [{ name: "x", port: 99, protocol: "TCP" }] }];
    await client.patch(endpoints, key, { type: "merge", body: { subsets } });
    await eventually("the new mirror", async () => addressesOf(await slicesOf("custom", "web")).join() === "192.0.2.7");
    await client.patch(services, key, { type: "merge", body: { spec: { selector: { app: "web" } } } });
    await eventually(
      "the pods again",
      async () => addressesOf(await slicesOf("custom", "web")).join() === "10.244.1.1",
    );
    expect(await managers()).toBe("endpointslice-controller.k8s.io");
  });

  it("go with the Service", async () => {
    const { client } = plane;
    await client.delete(services, { namespace: "follow", name: "web" });
    await eventually("the end of Endpoints", async () => {
      return (await client.list(endpoints, { namespace: "follow" })).items.length === 0;
    });
    expect(plane.complaints).toEqual([]);
  });
});

describe("a Service of 1,000 endpoints", () => {
  it("has ten slices, and a pod's change writes one of them", async () => {
    await makeNamespace(plane.client, "big");
    const count = 1000;
    for (let i = 0; i < count; i += 50) {
      const batch = Array.from({ length: 50 }, (_, j) => i + j);
      await Promise.all(batch.map((n) => runPod("big", `p${n}`, `10.9.${Math.floor(n / 250)}.${(n % 250) + 1}`)));
    }
    await plane.client.create(services, web("big"));
    const before = await eventually("all endpoints", async () => {
      const found = await slicesOf("big", "web");
      return addressesOf(found).length === count && found;
    });
    expect(before.map(({ endpoints: all }) => all.length)).toEqual(Array.from({ length: 10 }, () => 100));
    const body = { status: { conditions: [{ type: "Ready", status: "False" }] } };
    const key = { namespace: "big", name: "p500" };
    await plane.client.patch(pods, key, { type: "strategic", body }, { subresource: "status" });
    const after = await eventually("the change", async () => {
      const found = await slicesOf("big", "web");
      return found.some((slice) => slice.endpoints.some(({ conditions }) => !conditions!.ready!)) && found;
    });
    const versions = new Map(before.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    const changed = after.filter(({ metadata }) => versions.get(metadata.name) !== metadata.resourceVersion);
    expect(changed).toHaveLength(1);
    expect(plane.complaints).toEqual([]);
  }, 60_000);
});
