/** In which order pods come, go and are updated (the cases of upstream's stateful_set_control_test.go). */
import { describe, expect, it } from "vitest";
import { ordinalOf } from "../../../../../src/controlplane/controllers/stateful_set/identity.ts";
import type { Pod } from "../../../../../src/model/kubernetes.ts";
import { World } from "./world.ts";

const never = (): boolean => false;
const parallel = { podManagementPolicy: "Parallel" };
const named =
  (...names: string[]) =>
  ({ metadata }: Pod): boolean =>
    names.includes(metadata.name);
const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: "RollingUpdate", rollingUpdate } });

describe("pods come", () => {
  it("one after the other, each when all below it are ready", () => {
    const world = new World();
    expect(world.step()).toEqual(["+web-0"]);
    expect(world.step()).toEqual([]);
    world.run(never);
    expect(world.step()).toEqual([]);
    world.run();
    expect(world.step()).toEqual(["+web-1"]);
    expect(world.settle()).toEqual(["+web-2"]);
  });

  it("all at once where they need not wait", () => {
    expect(new World({ ...parallel }).step()).toEqual(["+web-0", "+web-1", "+web-2"]);
  });

  it("from the ordinal that they start with", () => {
    const world = new World({ ordinals: { start: 5 } });
    expect(world.settle()).toEqual(["+web-5", "+web-6", "+web-7"]);
    expect(world.change({ ordinals: { start: 6 } }).settle()).toEqual(["+web-8", "-web-5"]);
  });

  it("each when those below have been ready for minReadySeconds", () => {
    const world = new World({ minReadySeconds: 10 });
    world.step();
    world.run();
    expect(world.step()).toEqual([]);
    expect(world.plan().againAfterMs).toBe(10_000);
    expect(world.set.status).toMatchObject({ readyReplicas: 1, availableReplicas: 0 });
    world.now += 10_000;
    expect(world.step()).toEqual(["+web-1"]);
    expect(world.set.status).toMatchObject({ availableReplicas: 1 });
  });

  it("again where they are gone, or ended, the lowest first", () => {
    const world = new World();
    world.settle();
    world.pods.delete("web-2");
    world.report("web-0", { phase: "Failed" }, false);
    expect(world.settle()).toEqual(["-web-0", "+web-0", "+web-2"]);
    world.report("web-1", { phase: "Succeeded" }, false);
    expect(world.settle()).toEqual(["-web-1", "+web-1"]);
  });

  it("only when the one of their name is gone", () => {
    const world = new World();
    world.settle();
    world.report("web-1", { phase: "Failed" }, false);
    expect([...world.step(), ...world.step(), ...world.step()]).toEqual(["-web-1"]);
    world.run();
    expect(world.step()).toEqual(["+web-1"]);
  });
});

describe("pods go", () => {
  const scaled = (spec: object, replicas: number): World => {
    const world = new World(spec);
    world.settle();
    return world.change({ replicas });
  };

  it("from the highest, one after the other", () => {
    const world = scaled({}, 1);
    expect(world.step()).toEqual(["-web-2"]);
    expect(world.step()).toEqual([]);
    world.run();
    expect(world.step()).toEqual(["-web-1"]);
    expect(scaled({}, 0).settle()).toEqual(["-web-2", "-web-1", "-web-0"]);
  });

  it("all at once where they need not wait", () => {
    expect(scaled({ ...parallel }, 1).step()).toEqual(["-web-2", "-web-1"]);
  });

  it("when all that stay are ready", () => {
    const world = scaled({}, 2);
    world.report("web-0", { phase: "Running" }, false);
    expect(world.step()).toEqual([]);
    world.run();
    expect(world.step()).toEqual(["-web-2"]);
  });

  it("when they are ready, unless they are the lowest that is not", () => {
    const world = scaled({}, 1);
    world.report("web-2", { phase: "Running" }, false);
    expect(world.step()).toEqual(["-web-2"]);
    const blocked = scaled({}, 1);
    blocked.report("web-2", { phase: "Running" }, false);
    blocked.report("web-1", { phase: "Running" }, false);
    expect(blocked.step()).toEqual([]);
  });

  it("not with the set: the garbage collector's part", () => {
    const world = scaled({}, 0);
    world.set = { ...world.set, metadata: { ...world.set.metadata, deletionTimestamp: "2026-01-01T12:00:00Z" } };
    expect(world.step()).toEqual([]);
  });

  it("not if their name is none of the set's", () => {
    const world = new World();
    world.settle();
    const stranger = { ...world.pods.get("web-0")!, metadata: { ...world.pods.get("web-0")!.metadata, name: "web-x" } };
    expect(ordinalOf(world.set, stranger)).toBeUndefined();
    expect(ordinalOf(world.set, { metadata: { name: "web-web-1" } })).toBeUndefined();
    expect(ordinalOf(world.set, { metadata: { name: "web-12" } })).toBe(12);
  });
});

describe("an update", () => {
  const updated = (spec: object, image = "web:2"): World => {
    const world = new World(spec);
    world.settle();
    return world.image(image);
  };

  it("goes from the highest to the lowest, each when the one above is ready", () => {
    const world = updated({});
    expect(world.step()).toEqual(["-web-2"]);
    world.run();
    expect(world.step()).toEqual(["+web-2"]);
    world.run(never);
    expect(world.step()).toEqual([]);
    expect(world.settle()).toEqual(["-web-1", "+web-1", "-web-0", "+web-0"]);
    expect(world.images).toBe("web-0:web:2 web-1:web:2 web-2:web:2");
  });

  it("leaves what is below the partition, and makes it anew of the former template", () => {
    const world = updated({ ...rolling({ partition: 2 }) });
    expect(world.settle()).toEqual(["-web-2", "+web-2"]);
    world.pods.delete("web-0");
    expect(world.settle()).toEqual(["+web-0"]);
    expect(world.images).toBe("web-0:web:1 web-1:web:1 web-2:web:2");
    expect(world.set.status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1 });
    expect(world.change(rolling({ partition: 0 })).settle()).toEqual(["-web-1", "+web-1", "-web-0", "+web-0"]);
  });

  it("waits for people who delete pods themselves", () => {
    const world = updated({ updateStrategy: { type: "OnDelete" } });
    expect(world.settle()).toEqual([]);
    world.pods.delete("web-1");
    world.settle();
    expect(world.images).toBe("web-0:web:1 web-1:web:2 web-2:web:1");
  });

  it("takes as many at a time as may lack", () => {
    const world = updated({ ...rolling({ partition: 0, maxUnavailable: 2 }), ...parallel });
    expect(world.step()).toEqual(["-web-2", "-web-1"]);
    world.run();
    expect(world.step()).toEqual(["+web-1", "+web-2"]);
    world.run(named("web-2"));
    expect(world.step()).toEqual(["-web-0"]);
    const down = updated({ ...rolling({ partition: 0, maxUnavailable: "34%" }), ...parallel });
    down.report("web-0", { phase: "Running" }, false);
    expect(down.step()).toEqual(["-web-2"]);
  });

  it("of pods that need not wait for one another still goes one by one", () => {
    const world = updated({ ...parallel });
    expect(world.step()).toEqual(["-web-2"]);
    world.run();
    expect([...world.step(), ...world.step()]).toEqual(["+web-2"]);
  });

  it("that is broken stays where it is until somebody deletes its pod, even when the template is back", () => {
    // Upstream's known limitation ("Forced rollback" in the documentation of StatefulSets).
    const world = updated({}, "web:broken");
    const isWhole = ({ spec }: Pod): boolean => spec.containers[0]?.image !== "web:broken";
    expect(world.settle(isWhole)).toEqual(["-web-2", "+web-2"]);
    expect(world.image("web:1").settle(isWhole)).toEqual([]);
    world.pods.delete("web-2");
    expect(world.settle(isWhole)).toEqual(["+web-2"]);
    expect(world.images).toBe("web-0:web:1 web-1:web:1 web-2:web:1");
  });

  it("comes after scaling", () => {
    const world = updated({}).change({ replicas: 4 });
    expect(world.step()).toEqual(["+web-3"]);
    expect(world.settle()).toEqual(["-web-2", "+web-2", "-web-1", "+web-1", "-web-0", "+web-0"]);
  });
});

describe("revisions and status", () => {
  it("tell where an update comes from and leads to", () => {
    const world = new World();
    world.settle();
    const { updateRevision: first = "" } = world.set.status!;
    expect(first).toMatch(/^web-[a-z0-9]+$/);
    expect(world.set.status).toEqual({
      observedGeneration: 1,
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      currentRevision: first,
      updateRevision: first,
      collisionCount: 0,
    });
    world.image("web:2").step();
    const second = world.set.status!.updateRevision;
    expect(world.set.status).toMatchObject({ currentRevision: first, currentReplicas: 2, updatedReplicas: 0 });
    expect(second).not.toBe(first);
    world.settle();
    expect(world.set.status).toMatchObject({ currentRevision: second, currentReplicas: 3, updatedReplicas: 3 });
    world.image("web:1").settle();
    expect(world.set.status).toMatchObject({ currentRevision: first, updateRevision: first });
    expect(world.revisions.map(({ revision }) => revision)).toEqual([3, 2]);
  });

  it("beyond the limit go", () => {
    const world = new World({ revisionHistoryLimit: 1 });
    for (const image of ["web:1", "web:2", "web:3", "web:4"]) world.image(image).settle();
    expect(world.revisions.map(({ revision }) => revision)).toEqual([3, 4]);
  });

  it("have another name after a collision", () => {
    const world = new World();
    const name = (collisionCount: number) => {
      world.set = { ...world.set, status: { replicas: 0, collisionCount } };
      return world.plan().status.updateRevision;
    };
    expect(name(0)).not.toBe(name(1));
  });
});
