import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EmbeddedStore } from "../../src/controlplane/store/embedded/embedded_store.ts";
import { describeStore } from "./store.ts";

const folder = mkdtempSync(path.join(tmpdir(), "fairlead-store-"));
let count = 0;
const nextFile = (): string => path.join(folder, `${count++}.db`);
afterAll(() => rmSync(folder, { recursive: true }));

describe("the embedded store", () => {
  describeStore(() => EmbeddedStore.open({ file: nextFile() }));

  it("finds everything again when it is opened again", async () => {
    const file = nextFile();
    const before = await EmbeddedStore.open({ file });
    const revision = await before.create("/a", Buffer.from("1"));
    await before.close();
    const after = await EmbeddedStore.open({ file });
    expect([await after.revision(), (await after.get("/a"))!.value.toString()]).toEqual([revision, "1"]);
    await after.close();
  });

  it("is open once: a second one is told that the file is taken", async () => {
    const file = nextFile();
    const first = await EmbeddedStore.open({ file });
    await expect(EmbeddedStore.open({ file })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", subject: file });
    await first.create("/a", Buffer.from("1"));
    await first.close();
  });

  it("names the file that cannot be opened", async () => {
    const file = path.join(folder, "none", "x.db");
    await expect(EmbeddedStore.open({ file })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", subject: file });
  });

  it("deletes what has expired, and says so to watches", async () => {
    const store = await EmbeddedStore.open({ file: nextFile(), expiryIntervalMs: 20 });
    await store.create("/kept", Buffer.from("1"));
    await store.create("/gone", Buffer.from("1"), { ttlSeconds: 0.05 });
    const deleted = await new Promise<string>((resolve, reject) => {
      store.watch("/", 2, {
        onEvents: (events) => events.forEach((e) => e.type === "delete" && resolve(e.key)),
        onEnd: reject,
      });
    });
    expect([deleted, await store.get("/gone")]).toEqual(["/gone", undefined]);
    expect(await store.get("/kept")).toBeDefined();
    await store.close();
  });

  it("refuses more writes than may wait", async () => {
    const store = await EmbeddedStore.open({ file: nextFile(), maxPendingWrites: 10 });
    const writes = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => store.create(`/${i}`, Buffer.of(1))));
    expect(writes.filter((w) => w.status === "rejected").map((w) => (w.reason as { code: string }).code)).toEqual([
      "STORE_BUSY",
      "STORE_BUSY",
    ]);
    await store.close();
  });

  it("gives pages back: a file of one key written over and over stays small", async () => {
    const file = nextFile();
    const store = await EmbeddedStore.open({ file });
    let at = await store.create("/a", Buffer.alloc(4096));
    for (let i = 0; i < 2000; i++) at = await store.update("/a", Buffer.alloc(4096), at);
    await store.compact(at);
    for (let i = 0; i < 40; i++) await store.compact((at = await store.update("/a", Buffer.alloc(16), at)));
    await store.close();
    const { statSync } = await import("node:fs");
    expect(statSync(file).size).toBeLessThan(1 << 20);
  });
});
