/** The client without a connection, and an informer over it, on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Informer } from "../../../src/api/informer.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../../src/api/status_error.ts";
import { LoopbackClient } from "../../../src/controlplane/apiserver/loopback/client.ts";
import { loopbackUser } from "../../../src/controlplane/apiserver/loopback/loopback.ts";
import { takeFence } from "../../../src/controlplane/store/fence.ts";
import { startTestControlPlane, type TestControlPlane } from "../../fixtures/control_plane.ts";

const { configMaps } = resourceTypes;
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [] });
});
afterAll(() => plane.stop());

const named = (name: string, data: Record<string, string> = {}) => ({
  metadata: { namespace: "default", name },
  data,
});

describe("the client in the server's process", () => {
  it("creates, reads, changes and deletes", async () => {
    const { client } = plane;
    const made = await client.create(configMaps, named("life", { a: "1" }));
    expect(made).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } });
    await expect(client.create(configMaps, named("life"))).rejects.toSatisfy(isAlreadyExists);
    const key = { namespace: "default", name: "life" };
    const patched = await client.patch(configMaps, key, { type: "merge", body: { data: { b: "2" } } });
    expect(patched.data).toEqual({ a: "1", b: "2" });
    await expect(client.update(configMaps, { ...made, data: {} })).rejects.toSatisfy(isConflict);
    const updated = await client.update(configMaps, { ...patched, data: { c: "3" } });
    expect((await client.get(configMaps, key)).data).toEqual({ c: "3" });
    expect(updated.metadata.resourceVersion).not.toBe(patched.metadata.resourceVersion);
    expect(await client.delete(configMaps, key)).toBeUndefined();
    await expect(client.get(configMaps, key)).rejects.toSatisfy(isNotFound);
  });

  it("lists whole, in pages and by selector", async () => {
    const { client } = plane;
    for (const name of ["page-1", "page-2", "page-3"]) {
      await client.create(configMaps, { metadata: { namespace: "default", name, labels: { list: "paged" } } });
    }
    const selected = { namespace: "default", labelSelector: "list=paged" };
    const whole = await client.list(configMaps, selected);
    expect(whole.items.map(({ metadata }) => metadata.name)).toEqual(["page-1", "page-2", "page-3"]);
    const first = await client.list(configMaps, { ...selected, limit: 2 });
    expect(first.items).toHaveLength(2);
    const second = await client.list(configMaps, { ...selected, limit: 2, continue: first.continue! });
    expect(second.items.map(({ metadata }) => metadata.name)).toEqual(["page-3"]);
    expect(second.continue).toBeUndefined();
  });
});

describe("an informer over it", () => {
  it("has what was there, follows what changes, and sees its own writes", async () => {
    const { client } = plane;
    await client.create(configMaps, named("before"));
    const failures: unknown[] = [];
    const informer = new Informer(client, configMaps, { onError: (error) => failures.push(error) });
    const seen: string[] = [];
    informer.subscribe({
      onAdd: ({ metadata }) => seen.push(`add ${metadata.name}`),
      onUpdate: (_, { metadata }) => seen.push(`update ${metadata.name}`),
      onDelete: ({ metadata }) => seen.push(`delete ${metadata.name}`),
    });
    informer.start();
    expect(await informer.synced(5000)).toBe(true);
    expect(seen).toContain("add before");
    seen.length = 0;
    const made = await client.create(configMaps, named("after", { a: "1" }));
    expect(await informer.saw(made)).toBe(true);
    const changed = await client.update(configMaps, { ...made, data: { a: "2" } });
    expect(await informer.saw(changed)).toBe(true);
    expect(informer.objects.get("default/after")?.data).toEqual({ a: "2" });
    await client.delete(configMaps, { namespace: "default", name: "after" });
    expect(await informer.sawDeleted(changed)).toBe(true);
    expect(seen).toEqual(["add after", "update after", "delete after"]);
    expect(informer.objects.inNamespace("default").map(({ metadata }) => metadata.name)).toContain("before");
    expect(failures).toEqual([]);
    informer.stop();
  });
});

describe("the client of who leads no more", () => {
  it("writes nothing, whatever the verb", async () => {
    const { client, api } = plane;
    const { pods } = resourceTypes;
    let leads = true;
    const fence = { key: "fence_tests", value: Buffer.from("1"), isHeld: () => leads };
    await takeFence(plane.store, "tests", 1, () => true);
    const user = { user: loopbackUser, userAgent: "leader", fence };
    const leader = new LoopbackClient(api.server.routes, user);
    const made = await leader.create(configMaps, named("fenced", { a: "1" }));
    const spec = { containers: [{ name: "c", image: "i" }] };
    await client.create(resourceTypes.serviceAccounts, { metadata: { namespace: "default", name: "default" } });
    const pod = await client.create(pods, { metadata: { namespace: "default", name: "fenced" }, spec });
    const key = { namespace: "default", name: "fenced" };
    const target = { apiVersion: "v1", kind: "Node", name: "node-1" };
    const writes = {
      create: () => leader.create(configMaps, named("fenced-2")),
      update: () => leader.update(configMaps, { ...made, data: { a: "2" } }),
      patch: () => leader.patch(configMaps, key, { type: "merge", body: { data: { a: "2" } } }),
      delete: () => leader.delete(configMaps, key),
      "graceful delete": () => leader.delete(pods, key),
      collection: () =>
        leader.deleteCollection(configMaps, { namespace: "default", fieldSelector: "metadata.name=fenced" }),
      binding: () => leader.createSubresource(pods, key, "binding", { metadata: key, target }),
      eviction: () => leader.createSubresource(pods, key, "eviction", { metadata: key }),
    };
    const refusedAll = async (): Promise<void> => {
      for (const [verb, write] of Object.entries(writes)) {
        await expect(write(), verb).rejects.toMatchObject({ code: 503, message: expect.stringContaining("fence") });
      }
      expect(await client.get(configMaps, key)).toEqual(made);
      expect(await client.get(pods, key)).toEqual(pod);
    };
    leads = false;
    await refusedAll();
    // It believes that it leads, as one does that was stopped for a while: the store knows better.
    leads = true;
    await takeFence(plane.store, "tests", 2, () => true);
    await refusedAll();
    expect((await leader.get(configMaps, key)).data).toEqual({ a: "1" });
  });
});
