/** What every store must do, whatever holds its bytes. */
import { afterEach, describe, expect, it } from "vitest";
import { type FairleadError } from "../../src/errors/catalogue.ts";
import { takeFence } from "../../src/controlplane/store/fence.ts";
import type { Item, Store, StoreEvent, StoreWatch } from "../../src/controlplane/store/store.ts";

const value = (text: string): Buffer => Buffer.from(text);
const text = (item: Item | undefined): string | undefined => item?.value.toString();
const keys = (items: readonly Item[]): string[] => items.map((item) => item.key);
const refusal = (code: string): unknown => expect.objectContaining({ code });
const waitMs = 5000;

/** A watch that keeps what it saw and can be waited for. */
class Recorder {
  readonly events: StoreEvent[] = [];
  revision = 0;
  ended: FairleadError | undefined;
  readonly #watch: StoreWatch;
  #changed: () => void = () => {};

  constructor(store: Store, prefix: string, after: number) {
    this.#watch = store.watch(prefix, after, {
      onEvents: (events, revision) => {
        this.events.push(...events);
        this.revision = revision;
        this.#changed();
      },
      onEnd: (error) => {
        this.ended = error;
        this.#changed();
      },
    });
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = Date.now() + waitMs;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`not seen in ${waitMs} ms; seen: ${this.lines().join("; ")}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
        setTimeout(resolve, 100);
      });
    }
  }

  lines(): string[] {
    return this.events.map((e) =>
      e.type === "put" ? `put ${e.item.key}=${e.item.value.toString()}` : `delete ${e.key}`,
    );
  }

  requestProgress(): void {
    this.#watch.requestProgress();
  }

  close(): void {
    this.#watch.close();
  }
}

/** @param open makes a store of its own, empty */
export function describeStore(open: () => Promise<Store>): void {
  const stores: Store[] = [];
  const fresh = async (): Promise<Store> => {
    const store = await open();
    stores.push(store);
    return store;
  };
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });

  describe("one key", () => {
    it("is read back with its revisions", async () => {
      const store = await fresh();
      const created = await store.create("/pods/a", value("1"));
      const updated = await store.update("/pods/a", value("2"), created);
      expect(updated).toBeGreaterThan(created);
      expect(await store.get("/pods/a")).toEqual({
        key: "/pods/a",
        value: value("2"),
        createRevision: created,
        modRevision: updated,
      });
      expect(await store.revision()).toBe(updated);
    });

    it("is undefined where there is none", async () => {
      expect(await (await fresh()).get("/pods/none")).toBeUndefined();
    });

    it("is created once", async () => {
      const store = await fresh();
      await store.create("/pods/a", value("1"));
      await expect(store.create("/pods/a", value("2"))).rejects.toEqual(refusal("STORE_EXISTS"));
      expect(text(await store.get("/pods/a"))).toBe("1");
    });

    it("is updated and deleted at its revision only", async () => {
      const store = await fresh();
      const first = await store.create("/pods/a", value("1"));
      const second = await store.update("/pods/a", value("2"), first);
      await expect(store.update("/pods/a", value("3"), first)).rejects.toEqual(refusal("STORE_CONFLICT"));
      await expect(store.delete("/pods/a", first)).rejects.toEqual(refusal("STORE_CONFLICT"));
      const deleted = await store.delete("/pods/a", second);
      expect(deleted).toBeGreaterThan(second);
      await expect(store.update("/pods/a", value("3"), second)).rejects.toEqual(refusal("STORE_CONFLICT"));
      await expect(store.delete("/pods/a", second)).rejects.toEqual(refusal("STORE_CONFLICT"));
      expect(await store.get("/pods/a")).toBeUndefined();
    });

    it("has a new create revision when it is made again", async () => {
      const store = await fresh();
      const first = await store.create("/pods/a", value("1"));
      await store.delete("/pods/a", first);
      const again = await store.create("/pods/a", value("2"));
      expect((await store.get("/pods/a"))!.createRevision).toBe(again);
    });

    it("holds any bytes", async () => {
      const store = await fresh();
      const bytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => i & 0xff));
      await store.create("/b/☃", bytes);
      expect((await store.get("/b/☃"))!.value).toEqual(bytes);
      expect(keys((await store.range({ prefix: "/b/" })).items)).toEqual(["/b/☃"]);
    });

    it("of many writers at one revision has one winner", async () => {
      const store = await fresh();
      const at = await store.create("/c", value("0"));
      const tries = await Promise.allSettled(
        Array.from({ length: 50 }, (_, i) => store.update("/c", value(String(i)), at)),
      );
      expect(tries.filter((t) => t.status === "fulfilled")).toHaveLength(1);
    });

    it("goes away when its time to live is over", async () => {
      const store = await fresh();
      await store.create("/events/a", value("1"), { ttlSeconds: 1 });
      await store.create("/events/b", value("1"));
      // Shared leases of etcd live longer by what they may be shared: the test of exactness is the embedded store's.
      expect(text(await store.get("/events/a"))).toBe("1");
    });
  });

  describe("ranges", () => {
    const fill = async (store: Store, count: number): Promise<void> => {
      await Promise.all(
        Array.from({ length: count }, (_, i) => store.create(`/pods/${String(i).padStart(5, "0")}`, value(String(i)))),
      );
      await store.create("/podsx/no", value("no"));
      await store.create("/pod", value("no"));
    };

    it("hold the prefix's keys in order, and no others", async () => {
      const store = await fresh();
      await fill(store, 20);
      const { items, remaining, revision } = await store.range({ prefix: "/pods/" });
      expect(keys(items)).toEqual(Array.from({ length: 20 }, (_, i) => `/pods/${String(i).padStart(5, "0")}`));
      expect({ remaining, revision }).toEqual({ remaining: 0, revision: await store.revision() });
    });

    it("are read in pages that show one moment", async () => {
      const store = await fresh();
      await fill(store, 10);
      const first = await store.range({ prefix: "/pods/", limit: 4 });
      expect(first.remaining).toBe(6);
      const deleted = (await store.get("/pods/00007"))!;
      await store.delete(deleted.key, deleted.modRevision);
      await store.create("/pods/00004x", value("new"));
      const { revision } = first;
      const second = await store.range({ prefix: "/pods/", limit: 4, after: "/pods/00003", revision });
      const third = await store.range({ prefix: "/pods/", limit: 4, after: "/pods/00007", revision });
      expect(keys([...second.items, ...third.items])).toEqual([4, 5, 6, 7, 8, 9].map((i) => `/pods/0000${i}`));
      expect([second.revision, second.remaining, third.remaining]).toEqual([revision, 2, 0]);
      expect(keys((await store.range({ prefix: "/pods/" })).items)).toContain("/pods/00004x");
    });

    it("of more than one page of the store's own come whole", async () => {
      const store = await fresh();
      await fill(store, 2300);
      expect((await store.range({ prefix: "/pods/" })).items).toHaveLength(2300);
      expect((await store.range({ prefix: "/pods/", limit: 2100 })).remaining).toBe(200);
    });

    it("say whether any remain where nobody asks how many", async () => {
      const store = await fresh();
      await fill(store, 5);
      const first = await store.range({ prefix: "/pods/", limit: 2, counted: false });
      const { revision } = first;
      await store.create("/pods/00009", value("new"));
      const second = await store.range({ prefix: "/pods/", limit: 2, counted: false, after: "/pods/00001", revision });
      const third = await store.range({ prefix: "/pods/", limit: 1, counted: false, after: "/pods/00003", revision });
      expect([first, second, third].map(({ remaining }) => remaining > 0)).toEqual([true, true, false]);
      expect(keys([first, second, third].flatMap(({ items }) => items))).toEqual(
        [0, 1, 2, 3, 4].map((i) => `/pods/0000${i}`),
      );
    });

    it("are refused at revisions that are gone or yet to come", async () => {
      const store = await fresh();
      const first = await store.create("/a/1", value("1"));
      const second = await store.update("/a/1", value("2"), first);
      await store.compact(second);
      await expect(store.range({ prefix: "/a/", revision: first })).rejects.toEqual(refusal("STORE_COMPACTED"));
      await expect(store.range({ prefix: "/a/", revision: second + 100 })).rejects.toEqual(
        refusal("STORE_FUTURE_REVISION"),
      );
      expect(text((await store.range({ prefix: "/a/", revision: second })).items[0])).toBe("2");
    });
  });

  describe("watches", () => {
    it("see every event of their prefix, in order", async () => {
      const store = await fresh();
      const recorder = new Recorder(store, "/pods/", await store.revision());
      const a = await store.create("/pods/a", value("1"));
      await store.create("/podsx", value("no"));
      const b = await store.update("/pods/a", value("2"), a);
      const deleted = await store.delete("/pods/a", b);
      await recorder.until(() => recorder.events.length === 3);
      expect(recorder.lines()).toEqual(["put /pods/a=1", "put /pods/a=2", "delete /pods/a"]);
      expect(recorder.events[2]).toEqual({ type: "delete", key: "/pods/a", revision: deleted });
      expect(recorder.revision).toBeGreaterThanOrEqual(deleted);
    });

    it("start behind a revision of the past, without a gap while writes go on", async () => {
      const store = await fresh();
      const start = await store.create("/pods/start", value("0"));
      await Promise.all(Array.from({ length: 1500 }, (_, i) => store.create(`/pods/${i}`, value("x"))));
      const recorder = new Recorder(store, "/pods/", start);
      await Promise.all(Array.from({ length: 500 }, (_, i) => store.create(`/pods/n${i}`, value("x"))));
      await recorder.until(() => recorder.events.length >= 2000);
      const revisions = recorder.events.map((e) => (e.type === "put" ? e.item.modRevision : e.revision));
      expect(revisions).toEqual(Array.from({ length: 2000 }, (_, i) => start + 1 + i));
    });

    it("end when their revision is compacted", async () => {
      const store = await fresh();
      const first = await store.create("/a/1", value("1"));
      let last = first;
      for (let i = 0; i < 5; i++) last = await store.update("/a/1", value(String(i)), last);
      await store.compact(last);
      const recorder = new Recorder(store, "/a/", first);
      await recorder.until(() => recorder.ended !== undefined);
      expect(recorder.ended).toMatchObject({ code: "STORE_COMPACTED" });
      expect(recorder.events).toEqual([]);
    });

    it("tell their progress where nothing of theirs happens", async () => {
      const store = await fresh();
      const recorder = new Recorder(store, "/pods/", await store.revision());
      const other = await store.create("/other", value("1"));
      const asked = setInterval(() => recorder.requestProgress(), 50);
      await recorder.until(() => recorder.revision >= other).finally(() => clearInterval(asked));
      expect(recorder.events).toEqual([]);
    });

    it("are silent once closed", async () => {
      const store = await fresh();
      const closed = new Recorder(store, "/pods/", await store.revision());
      const open = new Recorder(store, "/pods/", await store.revision());
      closed.close();
      closed.close();
      await store.create("/pods/a", value("1"));
      await open.until(() => open.events.length === 1);
      expect([closed.events, closed.ended]).toEqual([[], undefined]);
    });
  });

  describe("compaction", () => {
    it("keeps what is current and what is newer", async () => {
      const store = await fresh();
      let at = await store.create("/a", value("0"));
      const kept = await store.create("/keep", value("k"));
      const gone = await store.create("/gone", value("g"));
      await store.delete("/gone", gone);
      for (let i = 1; i <= 10; i++) at = await store.update("/a", value(String(i)), at);
      await store.compact(at - 1);
      const now = await store.range({ prefix: "/" });
      expect(now.items.map((i) => `${i.key}=${i.value.toString()}`)).toEqual(["/a=10", "/keep=k"]);
      expect(now.items[1]!.modRevision).toBe(kept);
      const before = await store.range({ prefix: "/", revision: at - 1 });
      expect(before.items.map((i) => `${i.key}=${i.value.toString()}`)).toEqual(["/a=9", "/keep=k"]);
    });
  });

  describe("a fence", () => {
    const held = (): boolean => true;

    it("lets its leader write until a later one is taken, and not the earlier one ever again", async () => {
      const store = await fresh();
      const first = { fence: await takeFence(store, "leader", 5, held) };
      const created = await store.create("/a", value("1"), first);
      const updated = await store.update("/a", value("2"), created, first);
      const second = { fence: await takeFence(store, "leader", 9, held) };
      await expect(store.create("/b", value("1"), first)).rejects.toEqual(refusal("STORE_FENCED"));
      await expect(store.update("/a", value("3"), updated, first)).rejects.toEqual(refusal("STORE_FENCED"));
      await expect(store.delete("/a", updated, first)).rejects.toEqual(refusal("STORE_FENCED"));
      await expect(takeFence(store, "leader", 5, held)).rejects.toEqual(refusal("STORE_FENCED"));
      expect(text(await store.get("/a"))).toBe("2");
      expect(await store.get("/b")).toBeUndefined();
      await store.delete("/a", updated, second);
      // Others than those of its name, and who has none, are not held up.
      const other = { fence: await takeFence(store, "other", 1, held) };
      await store.create("/c", value("1"), other);
      await store.create("/d", value("1"));
    });

    it("is down once its leader does not think that it leads", async () => {
      const store = await fresh();
      let leads = true;
      const fence = await takeFence(store, "leader", 1, () => leads);
      const created = await store.create("/a", value("1"), { fence });
      leads = false;
      await expect(store.update("/a", value("2"), created, { fence })).rejects.toEqual(refusal("STORE_FENCED"));
      await expect(store.create("/b", value("1"), { fence })).rejects.toEqual(refusal("STORE_FENCED"));
      await expect(store.delete("/a", created, { fence })).rejects.toEqual(refusal("STORE_FENCED"));
      expect(text(await store.get("/a"))).toBe("1");
    });

    it("says of a held one what it would say without", async () => {
      const store = await fresh();
      const fence = await takeFence(store, "leader", 1, held);
      const created = await store.create("/a", value("1"), { fence });
      await expect(store.create("/a", value("1"), { fence })).rejects.toEqual(refusal("STORE_EXISTS"));
      await expect(store.update("/a", value("2"), created + 1, { fence })).rejects.toEqual(refusal("STORE_CONFLICT"));
    });
  });

  it("refuses writes once it is closed, and closes twice", async () => {
    const store = await fresh();
    await store.close();
    await store.close();
    await expect(store.create("/a", value("1"))).rejects.toEqual(refusal("STORE_UNAVAILABLE"));
  });
}
