/** Hashes, templates, careful beginnings. */
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  fnv32,
  fnv32a,
  safeEncode,
  templateHash,
} from "../../../../../src/controlplane/controllers/pods/hash.ts";
import { forAll, slowStart } from "../../../../../src/controlplane/controllers/pods/slow_start.ts";
import { availableInMs, nextAvailableInMs } from "../../../../../src/controlplane/controllers/pods/state.ts";
import { podFromTemplate, sameTemplates } from "../../../../../src/controlplane/controllers/pods/template.ts";
import { nowMs, podOf, template } from "../../../../fixtures/workloads.ts";

describe("hashes", () => {
  it("are FNV's (the test vectors of the algorithm's authors)", () => {
    expect(fnv32a(Buffer.from("foobar"))).toBe(0xbf9cf968);
    expect(fnv32(Buffer.from("foobar"))).toBe(0x31f0b262);
    expect(fnv32a(Buffer.from(""))).toBe(0x811c9dc5);
  });

  it("are written in letters that are safe in names", () => {
    expect(safeEncode("0123456789")).toBe("456789bcdf");
  });

  it("are stable whatever the order of keys, and another after a collision", () => {
    const a = { metadata: { labels: { a: "1", b: "2" } }, spec: { containers: [] } };
    const b = { spec: { containers: [] }, metadata: { labels: { b: "2", a: "1" }, creationTimestamp: null } };
    expect(templateHash(a, undefined)).toBe(templateHash(b, 0));
    expect(templateHash(a, 1)).not.toBe(templateHash(a, undefined));
    expect(templateHash(a, 1)).not.toBe(templateHash(a, 2));
    expect(canonicalJson({ b: "<&>", a: [{ d: 1, c: undefined }] })).toBe(
      '{"a":[{"d":1}],"b":"\\u003c\\u0026\\u003e"}',
    );
  });
});

describe("a pod of a template", () => {
  it("carries its labels, annotations and finalizers, the owner, and the start of a name", () => {
    const reference = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "u", controller: true };
    const metadata = { labels: { app: "web" }, annotations: { note: "1" }, finalizers: ["example.com/keep"] };
    const { spec } = template({});
    expect(podFromTemplate({ metadata, spec }, "web", reference)).toEqual({
      metadata: { ...metadata, generateName: "web-", ownerReferences: [reference] },
      spec,
    });
    expect(podFromTemplate({ spec }, "w".repeat(253), reference).metadata.generateName).toBe("w".repeat(253));
  });

  it("is the same whoever wrote it", () => {
    const one = template({ app: "web" });
    const hashed = { ...one, metadata: { labels: { app: "web", "pod-template-hash": "x" }, creationTimestamp: null } };
    expect(sameTemplates(one, hashed)).toBe(true);
    expect(sameTemplates(one, template({ app: "web" }, "web:2"))).toBe(false);
    expect(sameTemplates(one, template({ app: "other" }))).toBe(false);
    const limited = (cpu: string) => ({
      ...one,
      spec: { containers: [{ name: "web", image: "web:1", resources: { limits: { cpu } } }] },
    });
    expect(sameTemplates(limited("1"), limited("1000m"))).toBe(true);
  });
});

describe("availability", () => {
  it.each([
    [{ readyMs: nowMs }, 0, 0],
    [{ readyMs: nowMs - 4000 }, 10, 6000],
    [{ readyMs: nowMs - 10_000 }, 10, 0],
    [{}, 0, undefined],
  ])("%j with minReadySeconds %d is in %s ms", (shape, seconds, expected) => {
    expect(availableInMs(podOf(shape), seconds, nowMs)).toBe(expected);
  });

  it("is waited for by the first that comes", () => {
    const pods = [
      podOf({ readyMs: nowMs - 4000 }),
      podOf({ readyMs: nowMs - 9000 }),
      podOf({ readyMs: nowMs - 11_000 }),
    ];
    expect(nextAvailableInMs(pods, 10, nowMs)).toBe(1000);
    expect(nextAvailableInMs(pods.slice(2), 10, nowMs)).toBeUndefined();
  });
});

describe("a slow start", () => {
  const widths = async (count: number, fails: (i: number) => boolean) => {
    let active = 0;
    const seen: number[] = [];
    const result = await slowStart(count, async (i) => {
      active++;
      await new Promise((resolve) => setImmediate(resolve));
      if (active > 0) seen.push(active);
      active = 0;
      if (fails(i)) throw new Error(`no ${i}`);
      return i;
    });
    return { seen, ...result };
  };

  it("doubles", async () => {
    const { seen, done, error } = await widths(11, () => false);
    expect(seen).toEqual([1, 2, 4, 4]);
    expect(done).toHaveLength(11);
    expect(error).toBeUndefined();
  });

  it("is bounded: all calls are work on one event loop", async () => {
    const { seen, done } = await widths(60, () => false);
    expect(seen).toEqual([1, 2, 4, 8, 16, 16, 13]);
    expect(done).toHaveLength(60);
  });

  it("is not needed to end things: all are tried, so many at a time", async () => {
    const tried: number[] = [];
    const error = await forAll(
      Array.from({ length: 40 }, (_, i) => i),
      async (i) => {
        tried.push(i);
        if (i === 3 || i === 30) throw new Error(`no ${i}`);
      },
    );
    expect(tried).toHaveLength(40);
    expect(error).toEqual(new Error("no 3"));
    expect(await forAll([], () => Promise.reject(new Error("never")))).toBeUndefined();
  });

  it("ends with the batch that failed", async () => {
    const { seen, done, error } = await widths(100, (i) => i === 1);
    expect(seen).toEqual([1, 2]);
    expect(done).toEqual([0, 2]);
    expect(error).toEqual(new Error("no 1"));
    expect((await widths(0, () => true)).done).toEqual([]);
  });
});
