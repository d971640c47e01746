/** Images that nobody uses: which go, when, and what is said where too few can. */
import { describe, expect, it } from "vitest";
import { ImageGc, type ImageGcSettings } from "../../../src/kubelet/images/gc/image_gc.ts";
import { bytesToFree, idleImages, recordImages } from "../../../src/kubelet/images/gc/plan.ts";
import { credentialsFor } from "../../../src/kubelet/images/credentials.ts";
import { ensureImage } from "../../../src/kubelet/images/ensure.ts";
import { Limiter } from "../../../src/kubelet/images/limiter.ts";
import { PullRate } from "../../../src/kubelet/images/pull_rate.ts";
import type { Image } from "../../../src/kubelet/cri/messages.ts";
import type { Runtime } from "../../../src/kubelet/cri/runtime.ts";
import { podOf } from "../../fixtures/kubelet_objects.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

const imageOf = (id: string, shape: Partial<Image> = {}): Image => ({
  ...{ id, repoTags: [`${id}:1`], repoDigests: [], size: 100, uid: null, username: "", pinned: false },
  ...shape,
});

describe("pulls", () => {
  const pulled = async (error?: string, rate = new PullRate(0, 1, new FakeClock())) => {
    const runtime = {
      imageStatus: async () => undefined,
      pullImage: async () => {
        throw new Error(error);
      },
    } as unknown as Runtime;
    const deps = { runtime, clock: new FakeClock(), events: { event: () => undefined }, pulls: new Limiter(1) };
    const outcome = await ensureImage(
      { ...deps, pullRate: rate },
      podOf(),
      { name: "main", image: "a:1" },
      async () => [],
    );
    return "failure" in outcome ? outcome.failure : undefined;
  };

  it("are as many in a second as the registry may be asked for", async () => {
    const clock = new FakeClock();
    const rate = new PullRate(2, 3, clock);
    const taken = () => [1, 2, 3, 4].filter(() => rate.take()).length;
    expect(taken()).toBe(3);
    clock.advance(1000);
    expect(taken()).toBe(2);
    expect(await pulled("x", rate)).toEqual({ reason: "ErrImagePull", message: "pull QPS exceeded" });
  });

  it("fail by the reason that the runtime gives", async () => {
    expect(await pulled("not found")).toEqual({ reason: "ErrImagePull", message: "not found" });
    expect(await pulled("RegistryUnavailable: gone")).toEqual({
      reason: "RegistryUnavailable",
      message: "image pull failed for a:1 because the registry is unavailable: gone",
    });
  });

  it("use what secrets say of the registry: by stars, port and path, in either form", () => {
    const entry = (username: string) => ({ username, password: "p" });
    const auths = {
      "*.example.com": entry("star"),
      "a.example.com:5000": entry("port"),
      "a.example.com/team": entry("team"),
    };
    const old = { "https://index.docker.io/v1/": entry("hub") };
    const secrets = [
      new Map([[".dockerconfigjson", Buffer.from(JSON.stringify({ auths }))]]),
      new Map([[".dockercfg", Buffer.from(JSON.stringify(old))]]),
    ];
    const users = (image: string) => credentialsFor(image, secrets).map(({ username }) => username);
    expect(users("a.example.com/team/app:1")).toEqual(["team", "star"]);
    expect(users("a.example.com:5000/app")).toEqual(["port"]);
    expect(users("a.b.example.com/app")).toEqual([]);
    expect(users("busybox")).toEqual(["hub"]);
  });
});

describe("images", () => {
  it("are known by id, tag or digest; pinned ones and those in use stay", () => {
    const images = [imageOf("a"), imageOf("b"), imageOf("c", { pinned: true }), imageOf("d")];
    const first = recordImages(new Map(), images, new Set(["a:1"]), 10, true);
    expect(idleImages(first).map(({ image }) => image.id)).toEqual(["b", "d"]);
    const later = recordImages(first, [...images, imageOf("e")], new Set(["d"]), 20, false);
    expect(idleImages(later).map(({ image }) => image.id)).toEqual(["b", "e", "a"]);
    expect(later.get("e")).toMatchObject({ detectedAtMs: 20, usedAtMs: 0 });
    expect(later.get("b")).toMatchObject({ detectedAtMs: 0 });
  });

  it("are to be freed from the high threshold on, down to the low one", () => {
    expect(bytesToFree({ availableBytes: 16, capacityBytes: 100 }, 85, 80)).toBe(0);
    expect(bytesToFree({ availableBytes: 15, capacityBytes: 100 }, 85, 80)).toBe(5);
  });
});

describe("the collection of images", () => {
  class Scene {
    images = [imageOf("old"), imageOf("used"), imageOf("pause")];
    used = new Set(["used"]);
    disk = { availableBytes: 50, capacityBytes: 1000 };
    readonly said: string[] = [];
    readonly collected: string[] = [];
    readonly clock = new FakeClock();
    readonly gc: ImageGc;

    constructor(changes: Partial<ImageGcSettings> = {}) {
      const runtime = {
        listImages: async () => this.images,
        listContainers: async () => [...this.used].map((id) => ({ imageRef: id, image: { image: id } })),
        sandboxImage: async () => "pause:1",
        imageFilesystems: async () => [],
        removeImage: async (id: string) => void (this.images = this.images.filter((image) => image.id !== id)),
      } as unknown as Runtime;
      this.gc = new ImageGc({
        runtime,
        settings: { highPercent: 85, lowPercent: 80, minAgeMs: 120_000, maxAgeMs: 0, ...changes },
        events: { event: (_about, type, reason, message) => void this.said.push(`${type} ${reason} ${message}`) },
        node: { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
        clock: this.clock,
        onError: () => undefined,
        onCollected: (reason) => void this.collected.push(reason),
        disk: async () => this.disk,
      });
    }

    get names(): string[] {
      return this.images.map(({ id }) => id);
    }
  }

  it("frees as much as is wanted, never what is used or what sandboxes are made of, and says where it cannot", async () => {
    const scene = new Scene();
    await expect(scene.gc.turn()).rejects.toThrow("Attempted to free 150 bytes");
    expect(scene.names).toEqual(["used", "pause"]);
    expect(scene.said).toEqual([
      "Warning FreeDiskSpaceFailed Failed to garbage collect required amount of images. " +
        "Attempted to free 150 bytes, but only found 100 bytes eligible to free.",
    ]);
  });

  it("stops when enough is free, and leaves alone what was just fetched", async () => {
    const scene = new Scene();
    scene.disk = { availableBytes: 500, capacityBytes: 1000 };
    await scene.gc.turn();
    scene.images.push(imageOf("new"), imageOf("other"));
    await scene.gc.turn();
    expect(scene.names).toHaveLength(5);
    scene.disk = { availableBytes: 110, capacityBytes: 1000 };
    await scene.gc.turn();
    expect(scene.names).toEqual(["used", "pause", "new", "other"]);
    scene.clock.advance(120_000);
    await scene.gc.turn();
    expect(scene.names).toHaveLength(3);
  });

  it("removes what nobody has used for long, once that is known", async () => {
    const scene = new Scene({ maxAgeMs: 1000 });
    scene.disk = { availableBytes: 900, capacityBytes: 1000 };
    await scene.gc.turn();
    scene.clock.advance(900);
    scene.used.add("old");
    await scene.gc.turn();
    scene.used.delete("old");
    scene.clock.advance(900);
    await scene.gc.turn();
    expect(scene.names).toContain("old");
    scene.clock.advance(900);
    await scene.gc.turn();
    expect([scene.names, scene.collected]).toEqual([["used", "pause"], ["age"]]);
  });

  it("removes all that nobody uses where the node runs out of disk", async () => {
    const scene = new Scene();
    expect(await scene.gc.removeUnused()).toBe(100);
    expect([scene.names, scene.collected]).toEqual([["used", "pause"], ["space"]]);
  });
});
