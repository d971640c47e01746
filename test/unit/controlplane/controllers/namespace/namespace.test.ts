/** Namespaces that go, on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { discover } from "../../../../../src/api/discovery.ts";
import { resourceTypes, type ResourceType } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { namespaceController } from "../../../../../src/controlplane/controllers/namespace/namespace.ts";
import type { KubeObject, Namespace } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { customType, establish } from "../../../../fixtures/custom_type.ts";
import { eventually } from "../../../../fixtures/eventually.ts";

const { namespaces, configMaps, pods, serviceAccounts } = resourceTypes;
const shells: ResourceType<KubeObject> = customType("shells", "Shell");
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [namespaceController] });
  await establish(plane.client, shells);
});
afterAll(() => plane.stop());

const gone = (name: string): Promise<boolean> => plane.client.get(namespaces, { name }).then(() => false, isNotFound);
const make = (name: string): Promise<Namespace> => plane.client.create(namespaces, { metadata: { name }, spec: {} });
const condition = async (name: string, type: string) => {
  const { status } = await plane.client.get(namespaces, { name });
  return status?.conditions?.find((one) => one.type === type);
};

describe("a namespace that is deleted", () => {
  it("is discovered in all that may be in it", async () => {
    const { resources, failures } = await discover(plane.client);
    expect(failures.size).toBe(0);
    const names = resources.filter(({ isPreferred }) => isPreferred).map(({ group, plural }) => `${plural}.${group}`);
    expect(names).toEqual(expect.arrayContaining(["pods.", "deployments.apps", "shells.example.com"]));
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.includes("/"))).toEqual([]);
  });

  it("goes with everything in it, custom resources too", async () => {
    const { client } = plane;
    await make("full");
    for (let i = 0; i < 3; i++) {
      await client.create(configMaps, { metadata: { namespace: "full", name: `c${i}` }, data: {} });
      await client.create(shells, { metadata: { namespace: "full", name: `s${i}` } });
    }
    await client.delete(namespaces, { name: "full" });
    await eventually("the end of the namespace", () => gone("full"));
    expect((await client.list(shells, { namespace: "full" })).items).toEqual([]);
    expect((await client.list(configMaps, { namespace: "full" })).items).toEqual([]);
    expect(plane.complaints).toEqual([]);
  });

  it("waits for finalizers and names them", async () => {
    const { client } = plane;
    await make("held");
    const finalizers = ["example.com/held"];
    await client.create(shells, { metadata: { namespace: "held", name: "s", finalizers } });
    await client.delete(namespaces, { name: "held" });
    const held = await eventually("the condition", () => condition("held", "NamespaceFinalizersRemaining"));
    expect(held).toMatchObject({
      status: "True",
      reason: "SomeFinalizersRemain",
      message: "Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances",
    });
    expect(await condition("held", "NamespaceContentRemaining")).toMatchObject({
      status: "True",
      message: "Some resources are remaining: shells.example.com has 1 resource instances",
    });
    const key = { namespace: "held", name: "s" };
    await client.patch(shells, key, { type: "merge", body: { metadata: { finalizers: null } } });
    await eventually("the end of the namespace", () => gone("held"), 15_000);
  }, 20_000);

  it("keeps what pods use until the last one is gone", async () => {
    const { client } = plane;
    await make("running");
    await client.create(serviceAccounts, { metadata: { namespace: "running", name: "default" } });
    const pod = {
      metadata: { namespace: "running", name: "p" },
      spec: { nodeName: "n", containers: [{ name: "c", image: "i" }] },
    };
    await client.create(pods, pod);
    await client.create(configMaps, { metadata: { namespace: "running", name: "used" }, data: {} });
    await client.delete(namespaces, { name: "running" });
    await eventually("the pod's mark", async () => {
      const { metadata } = await client.get(pods, { namespace: "running", name: "p" });
      return metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds === 30;
    });
    expect(await eventually("the condition", () => condition("running", "NamespaceContentRemaining"))).toMatchObject({
      message: "Some resources are remaining: pods. has 1 resource instances",
    });
    expect((await client.get(configMaps, { namespace: "running", name: "used" })).metadata.deletionTimestamp).toBe(
      undefined,
    );
    // The kubelet's word that it has ended.
    await client.delete(pods, { namespace: "running", name: "p" }, { gracePeriodSeconds: 0 });
    await eventually("the end of the namespace", () => gone("running"));
  });
});
