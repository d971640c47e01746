/** Who pods are, their claims, and whose those are. */
import { describe, expect, it } from "vitest";
import type { OwnerReference, StatefulSet } from "../../../../../src/model/kubernetes.ts";
import { World } from "./world.ts";

const data = {
  volumeClaimTemplates: [
    {
      metadata: { name: "data", labels: { own: "1" } },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
  ] as NonNullable<StatefulSet["spec"]["volumeClaimTemplates"]>,
};
const policy = (whenDeleted: string, whenScaled: string) => ({
  persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
});

function settled(spec: object = {}): World {
  const world = new World({ ...data, ...spec });
  world.settle();
  return world;
}

describe("a pod", () => {
  it("knows its name, its number, its service and its claims", () => {
    const world = settled();
    const { metadata, spec } = world.pods.get("web-1")!;
    expect(metadata.labels).toEqual({
      app: "web",
      "statefulset.kubernetes.io/pod-name": "web-1",
      "apps.kubernetes.io/pod-index": "1",
      "controller-revision-hash": world.set.status?.updateRevision,
    });
    expect(metadata.generateName).toBeUndefined();
    expect(spec).toMatchObject({
      hostname: "web-1",
      subdomain: "svc",
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-web-1", readOnly: false } }],
    });
    expect(metadata.ownerReferences).toMatchObject([{ kind: "StatefulSet", name: "web", controller: true }]);
  });

  it("gets its labels back, when it is ready", () => {
    const world = settled();
    const pod = world.pods.get("web-0")!;
    const { "statefulset.kubernetes.io/pod-name": _, ...labels } = pod.metadata.labels ?? {};
    world.pods.set("web-0", { ...pod, metadata: { ...pod.metadata, labels } });
    expect(world.step()).toEqual(["~web-0"]);
    expect(world.step()).toEqual([]);
  });
});

describe("claims", () => {
  it("are made before their pods, with the set's labels, and stay", () => {
    const world = new World(data);
    expect(world.settle()).toEqual(["+data-web-0", "+web-0", "+data-web-1", "+web-1", "+data-web-2", "+web-2"]);
    expect(world.claims.get("data-web-1")).toMatchObject({
      metadata: { namespace: "default", labels: { own: "1", app: "web" } },
      spec: { accessModes: ["ReadWriteOnce"] },
    });
    expect(world.claims.get("data-web-1")?.metadata.ownerReferences).toBeUndefined();
    expect(world.change({ replicas: 2 }).settle()).toEqual(["-web-2"]);
    expect(world.change({ replicas: 3 }).settle()).toEqual(["+web-2"]);
  });

  it("that lack of a pod that waits are made", () => {
    const world = new World(data);
    world.step();
    world.claims.clear();
    expect(world.step()).toEqual(["+data-web-0"]);
  });

  it("that are being deleted hold their pod back", () => {
    const world = settled();
    const claim = world.claims.get("data-web-1")!;
    const deletionTimestamp = "2026-01-01T12:00:00Z";
    world.claims.set("data-web-1", { ...claim, metadata: { ...claim.metadata, deletionTimestamp } });
    world.pods.delete("web-1");
    expect(world.step()).toEqual([]);
    expect(world.plan().steps).toMatchObject([{ kind: "wait-for-claim", claim: "data-web-1", isDeleted: true }]);
    world.claims.delete("data-web-1");
    expect(world.step()).toEqual(["+data-web-1", "+web-1"]);
  });
});

describe("whose claims are", () => {
  const owners = (world: World, claim: string): string =>
    (world.claims.get(claim)?.metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind} ${name}`).join();

  it.each([
    // deleted, scaled, of a pod that stays, of a pod that goes
    ["Retain", "Retain", "", ""],
    ["Delete", "Retain", "StatefulSet web", "StatefulSet web"],
    ["Retain", "Delete", "", "Pod web-2"],
    ["Delete", "Delete", "StatefulSet web", "Pod web-2"],
  ])("whenDeleted %s, whenScaled %s: %j, and %j of one that is too many", (deleted, scaled, stays, goes) => {
    const world = settled(policy(deleted, scaled));
    expect(owners(world, "data-web-2")).toBe(stays);
    world.change({ replicas: 2 }).step();
    expect([owners(world, "data-web-1"), owners(world, "data-web-2")]).toEqual([stays, goes]);
    const kept = settled().change(policy(deleted, scaled));
    kept.settle();
    expect(owners(kept, "data-web-0")).toBe(stays);
    kept.change(policy("Retain", "Retain")).settle();
    expect(owners(kept, "data-web-0")).toBe("");
  });

  it("is not decided where somebody else has them", () => {
    const world = settled();
    const other: OwnerReference = {
      apiVersion: "example.com/v1",
      kind: "Backup",
      name: "b",
      uid: "b",
      controller: true,
    };
    const claim = world.claims.get("data-web-0")!;
    world.claims.set("data-web-0", { ...claim, metadata: { ...claim.metadata, ownerReferences: [other] } });
    world.change(policy("Delete", "Delete")).settle();
    expect(owners(world, "data-web-0")).toBe("Backup b");
    expect(owners(world, "data-web-1")).toBe("StatefulSet web");
  });

  it("a former pod's: it goes with that one before the next can be made", () => {
    const world = settled(policy("Retain", "Delete")).change({ replicas: 2 });
    world.settle();
    expect(world.change({ replicas: 3 }).step()).toEqual([]);
    expect(world.plan().steps).toMatchObject([{ kind: "wait-for-claim", claim: "data-web-2", isDeleted: false }]);
  });
});
