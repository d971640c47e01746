/** Evictions: what is short and since when, who goes first, and what is said of it. */
import { mkdirSync, mkdtempSync, linkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { diskUseOf } from "../../../src/kubelet/stats/disk_use.ts";
import { exceededDiskLimit, hasDiskLimits } from "../../../src/kubelet/eviction/local_storage.ts";
import { EvictionManager, type Evictable } from "../../../src/kubelet/eviction/manager.ts";
import { evictionMessage } from "../../../src/kubelet/eviction/message.ts";
import { calm, planEviction } from "../../../src/kubelet/eviction/plan.ts";
import { rankPods } from "../../../src/kubelet/eviction/rank.ts";
import { thresholdsOf, type Observation, type Signal, type Threshold } from "../../../src/kubelet/eviction/signals.ts";
import type { PodUse } from "../../../src/kubelet/eviction/usage.ts";
import type { Failure } from "../../../src/kubelet/pods/status/input.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { podOf } from "../../fixtures/kubelet_objects.ts";

const Mi = 2 ** 20;
const config = {
  evictionSoft: { "memory.available": "200Mi" },
  evictionSoftGracePeriod: { "memory.available": 30_000 },
  evictionMinimumReclaim: { "memory.available": "50Mi" },
  enforceNodeAllocatable: ["pods" as const],
};
const hard = { "memory.available": "100Mi", "nodefs.available": "10%", "pid.available": "0%" } as const;
const thresholds = thresholdsOf(config, hard);
const seen = (values: Partial<Record<Signal, readonly [number, number]>>): ReadonlyMap<Signal, Observation> =>
  new Map(Object.entries(values).map(([signal, [available, capacity]]) => [signal as Signal, { available, capacity }]));
const memory = (available: number) => seen({ "memory.available": [available * Mi, 1000 * Mi] });

const noDisk = { bytes: 0, inodes: 0 };
function useOf(shape: Partial<PodUse> & { rootfs?: number; logs?: number } = {}): PodUse {
  const { rootfs = 0, logs = 0, ...rest } = shape;
  const main = {
    memoryBytes: rest.memoryBytes ?? 0,
    rootfs: { bytes: rootfs, inodes: 1 },
    logs: { bytes: logs, inodes: 1 },
  };
  return { memoryBytes: 0, processes: 1, volumes: new Map(), containers: new Map([["main", main]]), ...rest };
}
function pod(name: string, requests: Record<string, string> = {}, spec: object = {}): Pod {
  return podOf({ containers: [{ name: "main", resources: { requests } }], spec, metadata: { name, uid: name } });
}

describe("thresholds", () => {
  it("are hard and soft ones, and one for all pods together; 0% is none", () => {
    expect(thresholds.map(({ signal, value, graceMs, minReclaim }) => [signal, value, graceMs, minReclaim])).toEqual([
      ["memory.available", "100Mi", 0, "50Mi"],
      ["nodefs.available", "10%", 0, undefined],
      ["memory.available", "200Mi", 30_000, "50Mi"],
      ["allocatableMemory.available", "100Mi", 0, "50Mi"],
    ]);
  });

  it("that are soft hold for their grace period before anybody goes; the condition is there at once", () => {
    const first = planEviction(calm, thresholds, memory(150), 0, 60_000);
    expect([first.pressures, first.starved]).toEqual([["MemoryPressure"], []]);
    const later = planEviction(first.state, thresholds, memory(150), 30_000, 60_000);
    expect(later.starved.map(({ value }) => value)).toEqual(["200Mi"]);
    const eased = planEviction(first.state, thresholds, memory(500), 20_000, 60_000);
    const again = planEviction(eased.state, thresholds, memory(150), 30_000, 60_000);
    expect(again.starved).toEqual([]);
  });

  it("that were dealt with are over with their minimum reclaim on top, and the condition a while later", () => {
    const first = planEviction(calm, thresholds, memory(99), 0, 60_000);
    expect(first.starved.map(({ value }) => value)).toEqual(["100Mi"]);
    const some = planEviction(first.state, [thresholds[0]!], memory(149), 10_000, 60_000);
    expect(some.starved.map(({ value }) => value)).toEqual(["100Mi"]);
    const enough = planEviction(some.state, [thresholds[0]!], memory(150), 20_000, 60_000);
    expect([enough.starved, enough.pressures]).toEqual([[], ["MemoryPressure"]]);
    expect(planEviction(enough.state, [thresholds[0]!], memory(150), 69_999, 60_000).pressures).toEqual([
      "MemoryPressure",
    ]);
    expect(planEviction(enough.state, [thresholds[0]!], memory(150), 70_000, 60_000).pressures).toEqual([]);
  });

  it("of memory go before those of disks", () => {
    const both = seen({ "nodefs.available": [1, 1000], "memory.available": [1, 1000 * Mi] });
    expect(planEviction(calm, thresholds, both, 0, 60_000).starved[0]?.signal).toBe("memory.available");
  });
});

describe("pods", () => {
  const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

  it("that use more than they asked for go first, then those of lower priority, then those that use the most more", () => {
    const uses = new Map([
      ["modest", useOf({ memoryBytes: 90 * Mi })],
      ["greedy", useOf({ memoryBytes: 300 * Mi })],
      ["dear", useOf({ memoryBytes: 900 * Mi })],
      ["over", useOf({ memoryBytes: 110 * Mi })],
    ]);
    const asked = { memory: "100Mi" };
    const pods = [pod("modest", asked), pod("over", asked), pod("dear", asked, { priority: 10 }), pod("greedy", asked)];
    const ranked = rankPods(pods, "memory.available", false, ({ metadata }) => uses.get(metadata.name));
    expect(names(ranked)).toEqual(["greedy", "over", "dear", "modest"]);
  });

  it("are weighed by what is on the disk that is short", () => {
    const uses = new Map([
      ["layer", useOf({ rootfs: 500 })],
      ["volume", useOf({ volumes: new Map([["v", { bytes: 400, inodes: 9 }]]) })],
      ["log", useOf({ logs: 300 })],
    ]);
    const pods = [...uses.keys()].map((name) => pod(name));
    const by = (signal: Signal, hasImageFs: boolean) =>
      names(rankPods(pods, signal, hasImageFs, ({ metadata }) => uses.get(metadata.name)));
    expect(by("nodefs.available", false)).toEqual(["layer", "volume", "log"]);
    expect(by("nodefs.available", true)[0]).toBe("volume");
    expect(by("imagefs.available", true)[0]).toBe("layer");
    expect(by("nodefs.inodesFree", false)[0]).toBe("volume");
  });

  it("are told what was short, and which container used more than it asked for", () => {
    const use = useOf({ memoryBytes: 300 * Mi });
    const text = evictionMessage(thresholds[0]!, pod("a", { memory: "100Mi" }), use, memory(60));
    expect(text).toBe(
      "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. " +
        "Container main was using 300Mi, request is 100Mi, has larger consumption of memory. ",
    );
    const share = evictionMessage(
      thresholds[1]!,
      pod("a"),
      useOf({ logs: 2048 }),
      seen({ "nodefs.available": [1024, 40_960] }),
    );
    expect(share).toBe(
      "The node was low on resource: ephemeral-storage. Threshold quantity: 4Ki, available: 1Ki. " +
        "Container main was using 2Ki, request is 0, has larger consumption of ephemeral-storage. ",
    );
  });
});

describe("limits of a pod's disk", () => {
  const limited = (limit: string, volumes: readonly object[] = []): Pod =>
    podOf({ containers: [{ name: "main", resources: { limits: { "ephemeral-storage": limit } } }], spec: { volumes } });
  const scratch = podOf({ spec: { volumes: [{ name: "scratch", emptyDir: { sizeLimit: "1Mi" } }] } });
  const holding = (bytes: number) => useOf({ volumes: new Map([["scratch", { bytes, inodes: 1 }]]) });

  it("are those of emptyDirs, of the pod and of its containers", () => {
    expect(exceededDiskLimit(scratch, holding(Mi), false)).toBeUndefined();
    expect(exceededDiskLimit(scratch, holding(Mi + 1), false)).toEqual({
      signal: "emptydirfs.limit",
      message: 'Usage of EmptyDir volume "scratch" exceeds the limit "1Mi". ',
    });
    const volumes = [{ name: "scratch", emptyDir: {} }];
    expect(exceededDiskLimit(limited("1Mi", volumes), holding(2 * Mi), false)).toEqual({
      signal: "ephemeralpodfs.limit",
      message: "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
    });
    const two = podOf({
      containers: [
        { name: "main", resources: { limits: { "ephemeral-storage": "1Ki" } } },
        { name: "other", resources: { limits: { "ephemeral-storage": "1Gi" } } },
      ],
    });
    expect(exceededDiskLimit(two, useOf({ rootfs: 1000, logs: 100 }), false)).toEqual({
      signal: "ephemeralcontainerfs.limit",
      message: 'Container main exceeded its local ephemeral storage limit "1Ki". ',
    });
    expect(exceededDiskLimit(two, useOf({ rootfs: 1000, logs: 100 }), true)).toBeUndefined();
    expect([scratch, limited("1Mi"), podOf()].map(hasDiskLimits)).toEqual([true, true, false]);
  });

  it("count a file of two names once", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fairlead-du-"));
    mkdirSync(path.join(folder, "below"));
    const before = await diskUseOf(folder);
    writeFileSync(path.join(folder, "below/one"), Buffer.alloc(Mi, 1));
    linkSync(path.join(folder, "below/one"), path.join(folder, "two"));
    const after = await diskUseOf(folder);
    rmSync(folder, { recursive: true });
    expect(after.inodes - before.inodes).toBe(1);
    expect(after.bytes - before.bytes).toBeGreaterThanOrEqual(Mi);
    expect(after.bytes - before.bytes).toBeLessThan(1.5 * Mi);
    expect(await diskUseOf(folder)).toEqual(noDisk);
  });
});

describe("the eviction manager", () => {
  class Scene {
    observations = memory(500);
    uses = new Map<string, PodUse>();
    readonly said: string[] = [];
    readonly counted: string[] = [];
    readonly clock = new FakeClock();
    readonly failures = new Map<string, Failure & { readonly grace: number }>();
    onReclaim = (): void => undefined;
    readonly manager: EvictionManager;

    constructor(pods: readonly Pod[], chosen: readonly Threshold[] = thresholds) {
      const evictables = pods.map((one): Evictable => ({
        pod: one,
        isActive: true,
        hasEnded: true,
        evict: (failure, grace) => void this.failures.set(one.metadata.name, { ...failure, grace }),
      }));
      const reclaimed = (what: string) => async () => {
        this.said.push(what);
        this.onReclaim();
      };
      this.manager = new EvictionManager({
        stats: {
          hasImageFs: async () => false,
          signals: async () => this.observations,
          pods: async () => this.uses,
        },
        thresholds: chosen,
        transitionMs: 60_000,
        maxPodGraceSeconds: 7,
        isolatesDisk: true,
        pods: () => evictables.filter(({ pod: { metadata } }) => !this.failures.has(metadata.name)),
        reclaim: { containers: reclaimed("containers"), images: reclaimed("images") },
        events: {
          event: (about, type, reason, message) =>
            void this.said.push(`${type} ${reason} ${about.metadata.name} ${message}`),
        },
        node: { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
        metrics: {
          evicted: (signal) => void this.counted.push(`evicted ${signal}`),
          evictionStatsAged: (signal, seconds) => void this.counted.push(`${signal} ${seconds} s old`),
        },
        clock: this.clock,
        onError: (attempted, error) => void this.said.push(`${attempted} ${String(error)}`),
      });
    }
  }

  it("does nothing where nothing is short", async () => {
    const scene = new Scene([pod("a")]);
    expect([await scene.manager.turn(), scene.manager.current, scene.said]).toEqual([[], [], []]);
  });

  it("ends one pod at a time, never a critical one, and says that the node did it", async () => {
    const critical = pod("critical", {}, { priority: 2_000_000_000 });
    const scene = new Scene([critical, pod("a"), pod("b")]);
    scene.observations = memory(10);
    scene.uses = new Map([
      ["critical", useOf({ memoryBytes: 900 })],
      ["a", useOf({ memoryBytes: 5 })],
      ["b", useOf({ memoryBytes: 9 })],
    ]);
    expect((await scene.manager.turn()).map((one) => one.pod.metadata.name)).toEqual(["b"]);
    expect(scene.manager.current).toEqual(["MemoryPressure"]);
    const { reason, message, disruption, grace } = scene.failures.get("b")!;
    expect([reason, grace, disruption]).toEqual(["Evicted", 1, message]);
    expect(scene.said).toEqual([
      "Warning EvictionThresholdMet n1 Attempting to reclaim memory",
      `Warning Evicted b ${message}`,
    ]);
    expect(scene.counted).toEqual(["memory.available 0 s old", "evicted memory.available"]);
  });

  it("ends nobody where all are critical", async () => {
    const scene = new Scene([pod("critical", {}, { priority: 2_000_000_000 })]);
    scene.observations = memory(10);
    expect(await scene.manager.turn()).toEqual([]);
    expect([scene.failures.size, scene.counted]).toEqual([0, ["memory.available 0 s old"]]);
  });

  it("gives time to end well where the threshold is soft", async () => {
    const scene = new Scene([pod("a")]);
    scene.observations = memory(150);
    await scene.manager.turn();
    expect(scene.failures.size).toBe(0);
    scene.clock.advance(30_000);
    await scene.manager.turn();
    expect(scene.failures.get("a")?.grace).toBe(7);
  });

  it("frees what nobody uses before a pod goes for its disk", async () => {
    const scene = new Scene([pod("a")]);
    scene.observations = seen({ "nodefs.available": [5, 100] });
    scene.onReclaim = () => (scene.observations = seen({ "nodefs.available": [50, 100] }));
    await scene.manager.turn();
    expect([scene.failures.size, scene.manager.current]).toEqual([0, ["DiskPressure"]]);
    expect(scene.said.slice(1)).toEqual(["containers", "images"]);
    scene.observations = seen({ "nodefs.available": [5, 100] });
    scene.onReclaim = () => undefined;
    await scene.manager.turn();
    expect([...scene.failures.keys()]).toEqual(["a"]);
  });

  it("ends a pod that is over a limit of its own, without a word of disruption", async () => {
    const over = podOf({
      spec: { volumes: [{ name: "v", emptyDir: { sizeLimit: "1" } }] },
      metadata: { name: "over", uid: "over" },
    });
    const scene = new Scene([over, pod("a")]);
    scene.uses = new Map([["over", useOf({ volumes: new Map([["v", { bytes: 2, inodes: 1 }]]) })]]);
    await scene.manager.turn();
    expect([...scene.failures]).toEqual([
      ["over", { reason: "Evicted", message: 'Usage of EmptyDir volume "v" exceeds the limit "1". ', grace: 1 }],
    ]);
    expect(scene.counted).toEqual(["evicted emptydirfs.limit"]);
  });
});
