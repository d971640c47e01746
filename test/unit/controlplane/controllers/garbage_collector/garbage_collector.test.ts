/** Garbage on the real API server: built-in and custom resources, all three policies. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes, type ResourceType } from "../../../../../src/api/resource_types.ts";
import { isNotFound } from "../../../../../src/api/status_error.ts";
import { garbageCollectorController } from "../../../../../src/controlplane/controllers/garbage_collector/garbage_collector.ts";
import type { KubeObject, ObjectMeta, OwnerReference } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { customType, establish } from "../../../../fixtures/custom_type.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { seededRandom } from "../../../../fixtures/fuzz/random.ts";
import { seed } from "../../../../fixtures/seed.ts";

const { configMaps, secrets, namespaces } = resourceTypes;
const shells: ResourceType<KubeObject> = customType("shells", "Shell");
const hulls: ResourceType<KubeObject> = customType("hulls", "Hull", false);
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [garbageCollectorController] });
  await establish(plane.client, shells);
  await establish(plane.client, hulls);
  await plane.client.create(namespaces, { metadata: { name: "other" }, spec: {} });
});
afterAll(() => plane.stop());

type Type = ResourceType<KubeObject>;
const maps = configMaps as Type;
const make = (type: Type, name: string, over: Partial<ObjectMeta> = {}): Promise<KubeObject> =>
  plane.client.create(type, { metadata: { name, ...(type.namespaced ? { namespace: "default" } : {}), ...over } });
const ref = ({ apiVersion, kind, metadata }: KubeObject, blockOwnerDeletion?: boolean): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
  ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
});
const owned = (...owners: OwnerReference[]): Partial<ObjectMeta> => ({ ownerReferences: owners });
const keyOf = (object: KubeObject) => ({ namespace: object.metadata.namespace, name: object.metadata.name });
const read = (type: Type, object: KubeObject): Promise<KubeObject | undefined> =>
  plane.client.get(type, keyOf(object)).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
const ends = (type: Type, object: KubeObject): Promise<unknown> =>
  eventually(`the end of ${object.metadata.name}`, async () => (await read(type, object)) === undefined);

describe("in the background", () => {
  it("what an owner leaves goes, through generations and kinds", async () => {
    const top = await make(shells, "top");
    const middle = await make(maps, "middle", owned(ref(top)));
    const bottom = await make(secrets, "bottom", owned(ref(middle)));
    const free = await make(maps, "free");
    expect(await plane.client.delete(shells, keyOf(top), { propagationPolicy: "Background" })).toBeUndefined();
    await ends(maps, middle);
    await ends(secrets, bottom);
    expect(await read(maps, free)).toBeDefined();
  });

  it("what names an owner that never was goes, and what has another owner stays without it", async () => {
    const real = await make(maps, "real");
    const ghost = { apiVersion: "v1", kind: "ConfigMap", name: "ghost", uid: "00000000-0000-0000-0000-000000000000" };
    const lost = await make(maps, "lost", owned(ghost));
    const kept = await make(maps, "kept", owned(ghost, ref(real)));
    await ends(maps, lost);
    await eventually("one owner less", async () => (await read(maps, kept))?.metadata.ownerReferences?.length === 1);
    expect((await read(maps, kept))?.metadata.ownerReferences).toEqual([ref(real)]);
  });

  it("what is cluster-wide owns in any namespace", async () => {
    const hull = await make(hulls, "hull");
    const here = await make(maps, "here", owned(ref(hull)));
    const there = await make(maps, "there", { ...owned(ref(hull)), namespace: "other" });
    await plane.client.delete(hulls, keyOf(hull));
    await ends(maps, here);
    await ends(maps, there);
  });
});

describe("in the foreground", () => {
  it("an owner goes after the dependents that block it", async () => {
    const top = await make(shells, "front");
    const held = { finalizers: ["example.com/held"] };
    const blocking = await make(maps, "blocking", { ...owned(ref(top, true)), ...held });
    const other = await make(maps, "not-blocking", { ...owned(ref(top, false)), ...held });
    await plane.client.delete(shells, keyOf(top), { propagationPolicy: "Foreground" });
    await eventually("the mark", async () => (await read(maps, blocking))?.metadata.deletionTimestamp !== undefined);
    expect((await read(shells, top))?.metadata.finalizers).toEqual(["foregroundDeletion"]);
    const free = { type: "merge", body: { metadata: { finalizers: null } } } as const;
    await plane.client.patch(maps, keyOf(blocking), free);
    await ends(maps, blocking);
    await ends(shells, top);
    await eventually("the mark", async () => (await read(maps, other))?.metadata.deletionTimestamp !== undefined);
    await plane.client.patch(maps, keyOf(other), free);
    await ends(maps, other);
  });

  it("goes from the leaves up, and leaves what another owner holds", async () => {
    const top = await make(maps, "tree");
    const other = await make(maps, "other-tree");
    const branch = await make(maps, "branch", owned(ref(top, true)));
    const leaf = await make(maps, "leaf", owned(ref(branch, true)));
    const shared = await make(maps, "shared", owned(ref(top, true), ref(other, true)));
    await plane.client.delete(maps, keyOf(top), { propagationPolicy: "Foreground" });
    await ends(maps, top);
    expect(await read(maps, leaf)).toBeUndefined();
    expect(await read(maps, branch)).toBeUndefined();
    expect((await read(maps, shared))?.metadata.ownerReferences).toEqual([ref(other, true)]);
  });

  it("unties a circle", async () => {
    const a = await make(maps, "circle-a");
    const b = await make(maps, "circle-b", owned(ref(a, true)));
    const body = { metadata: { ownerReferences: [ref(b, true)] } };
    await plane.client.patch(maps, keyOf(a), { type: "merge", body });
    await plane.client.delete(maps, keyOf(a), { propagationPolicy: "Foreground" });
    await ends(maps, a);
    await ends(maps, b);
  });
});

describe("orphans", () => {
  it("lose the owner and stay", async () => {
    const top = await make(shells, "parent");
    const children = [];
    for (let i = 0; i < 20; i++) children.push(await make(maps, `child-${i}`, owned(ref(top, true))));
    const custom = await make(shells, "custom-child", owned(ref(top)));
    await plane.client.delete(shells, keyOf(top), { propagationPolicy: "Orphan" });
    await ends(shells, top);
    for (const child of children) {
      const now = await read(maps, child);
      expect(now?.metadata.deletionTimestamp).toBeUndefined();
      expect(now?.metadata.ownerReferences ?? []).toEqual([]);
    }
    expect((await read(shells, custom))?.metadata.ownerReferences ?? []).toEqual([]);
  });
});

describe("references that cannot be right", () => {
  it("to another namespace are told, and make garbage", async () => {
    const parent = await make(maps, "abroad", { namespace: "other" });
    const child = await make(maps, "at-home", owned(ref(parent)));
    await ends(maps, child);
    const told = plane.events.find(({ reason }) => reason === "OwnerRefInvalidNamespace");
    expect(told).toMatchObject({ type: "Warning", source: "garbage-collector-controller" });
    expect(told?.message).toBe(
      `ownerRef [v1/ConfigMap, namespace: default, name: abroad, uid: ${parent.metadata.uid}] does not exist in namespace "default"`,
    );
  });

  it("of what is cluster-wide to something in a namespace are left alone", async () => {
    const parent = await make(maps, "small");
    const ghost = { apiVersion: "v1", kind: "ConfigMap", name: "none", uid: "00000000-0000-0000-0000-000000000001" };
    const big = await make(hulls, "big", owned(ref(parent)));
    const wrong = await make(hulls, "wrong", owned(ghost));
    await plane.client.delete(maps, keyOf(parent));
    // The same owners make garbage of these.
    await ends(maps, await make(maps, "later", owned(ref(parent))));
    await ends(maps, await make(maps, "last", owned(ghost)));
    expect(await read(hulls, big)).toBeDefined();
    expect(await read(hulls, wrong)).toBeDefined();
  });

  it("to a kind that comes later wait for it", async () => {
    const masts = customType("masts", "Mast");
    const uid = "00000000-0000-0000-0000-000000000002";
    const child = await make(maps, "early", owned({ apiVersion: "example.com/v1", kind: "Mast", name: "m", uid }));
    await eventually("a complaint", () => plane.complaints.length > 0);
    expect(await read(maps, child)).toBeDefined();
    await establish(plane.client, masts);
    await ends(maps, child);
  });
});

const random = seededRandom(seed);

describe("a random forest", () => {
  it(`keeps exactly what has an owner left, or never had one (seed ${seed})`, async () => {
    const { client } = plane;
    const made: { object: KubeObject; type: Type; owners: number[] }[] = [];
    for (let i = 0; i < 60; i++) {
      const owners = i < 6 ? [] : [...new Set([random.int(i), random.int(i)])];
      const type = random.int(2) === 0 ? maps : shells;
      const references = owners.map((of) => ref(made[of]!.object, random.int(2) === 0));
      made.push({ object: await make(type, `forest-${i}`, owned(...references)), type, owners });
    }
    const deleted = new Set([0, 1, 2, 3].map(() => random.int(6)));
    for (const root of deleted) {
      const propagationPolicy = random.int(2) === 0 ? "Foreground" : "Background";
      await client.delete(made[root]!.type, keyOf(made[root]!.object), { propagationPolicy });
    }
    const stays: boolean[] = [];
    for (const [i, { owners }] of made.entries()) {
      stays.push(owners.length === 0 ? !deleted.has(i) : owners.some((of) => stays[of]));
    }
    const names = made.filter((_, i) => stays[i]).map(({ object }) => object.metadata.name);
    await eventually("the end of garbage", async () => {
      const lists = await Promise.all([maps, shells].map((type) => client.list(type, { namespace: "default" })));
      const left = lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.name));
      return (
        left
          .filter((name) => name.startsWith("forest-"))
          .sort()
          .join() === [...names].sort().join()
      );
    });
  });
});
