/** The parts around the server: flags' values, pieces of bodies, lines of the log, metrics, compaction, the data directory. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { addressRanges, etcdServers, portRange, repeated, wholeNumber } from "../../../../src/cmd/flag_values.ts";
import { chunksOf } from "../../../../src/controlplane/apiserver/http/chunks.ts";
import { ApiMetrics } from "../../../../src/controlplane/apiserver/metrics/api_metrics.ts";
import { requestInfo } from "../../../../src/controlplane/apiserver/request/info.ts";
import { Compactor } from "../../../../src/controlplane/server/compaction.ts";
import { takeDataDir } from "../../../../src/controlplane/server/data_dir.ts";
import { textLine } from "../../../../src/log/log.ts";
import type { Store } from "../../../../src/controlplane/store/store.ts";
import { FairleadError } from "../../../../src/errors/catalogue.ts";

describe("values of flags", () => {
  it("are what upstream's are", () => {
    expect(portRange("30000-32767")).toEqual({ from: 30000, to: 32767 });
    expect(portRange("30000+100")).toEqual({ from: 30000, to: 30100 });
    expect(addressRanges("10.96.0.0/12, fd00::/112")).toEqual(["10.96.0.0/12", "fd00::/112"]);
    expect(etcdServers("https://a:2379,https://[::1]:2379")).toEqual(["https://a:2379", "https://[::1]:2379"]);
    expect(repeated("b,c", ["a"])).toEqual(["a", "b", "c"]);
    expect(wholeNumber(0, 9)("7")).toBe(7);
  });

  it.each([
    [portRange, ["30000", "0-10", "10-5", "1-70000", "60000+9999", ""]],
    [addressRanges, ["10.0.0.1", "10.0.0.0/31", "::/127", "10.0.0.0/8,10.0.0.0/9", "a/8", "10.0.0.0/8,::/64,::/65"]],
    [etcdServers, ["a:1", "http://a,https://b", "https://", "https://a/path/x", ""]],
    [wholeNumber(1, 9), ["0", "10", "-1", "1.5", "1e0", ""]],
  ])("%o refuses what is wrong", (parse, texts) => {
    for (const text of texts) expect(() => parse(text), text).toThrow(expect.objectContaining({ exitCode: 1 }));
  });
});

describe("pieces of a body", () => {
  it("hold the same bytes, none longer than twice the size", () => {
    for (const sizes of [[], [1], [10], [3, 3, 3, 3], [25, 1, 40], [9, 10, 11], [0, 0, 5]]) {
      const parts = sizes.map((size, i) => Buffer.alloc(size, String(i)));
      const pieces = [...chunksOf(parts, 10)];
      expect(Buffer.concat(pieces)).toEqual(Buffer.concat(parts));
      for (const piece of pieces) expect(piece.length).toBeLessThan(20);
      for (const piece of pieces) expect(piece.length).toBeGreaterThan(0);
    }
  });
});

describe("a line for a person", () => {
  it("has its fields behind its message, the stack below, and no control characters", () => {
    const line = JSON.stringify({ level: "info", time: "T", msg: "HTTP", URI: "/a\u001b[2J", resp: 200 });
    expect(textLine(line)).toBe('T INFO  HTTP URI="/a\\u001b[2J" resp=200\n');
    const error = JSON.stringify({
      level: "error",
      time: "T",
      err: { stack: "Error: x\n at y" },
      msg: "internal error",
    });
    expect(textLine(error)).toBe("T ERROR internal error\nError: x\n at y\n");
  });
});

describe("metrics", () => {
  it("take no label from a client that names what is not there", async () => {
    const metrics = new ApiMetrics();
    metrics.follow({ inFlight: () => ({ readOnly: 0, mutating: 0 }), find: () => undefined, counts: () => [] });
    for (let i = 0; i < 50; i++) {
      const info = requestInfo("GET", `/apis/group${i}/v1/things${i}`, new URLSearchParams());
      metrics.done({
        info,
        method: "GET",
        uri: "",
        code: 404,
        latencyMs: 1,
        auditId: "",
        userAgent: "",
        remoteAddress: "",
        contentType: "",
        isDryRun: false,
        responseBytes: 10,
      });
    }
    const { body } = (await metrics.respond()) as { body: Buffer };
    const series = body.toString().match(/^apiserver_request_total\{.*$/gm);
    expect(series).toEqual([expect.stringMatching(/verb="LIST",group="",version="",resource="".*code="404"\} 50$/)]);
  });
});

/** As much of a store as a compactor asks for. */
function fakeStore() {
  let revision = 0;
  let current: number | undefined;
  const compacted: number[] = [];
  const put = (expected: number, code: "STORE_EXISTS" | "STORE_CONFLICT"): Promise<number> => {
    if ((current ?? 0) !== expected) return Promise.reject(new FairleadError(code, { subject: "key" }));
    return Promise.resolve((current = ++revision));
  };
  const store = {
    get: () => Promise.resolve(current === undefined ? undefined : { modRevision: current }),
    revision: () => Promise.resolve(revision),
    create: () => put(0, "STORE_EXISTS"),
    update: (_key: string, _value: Buffer, expected: number) => put(expected, "STORE_CONFLICT"),
    compact: (upTo: number) => Promise.resolve(void compacted.push(upTo)),
  } as unknown as Store;
  return { store, compacted, write: (count: number) => (revision += count) };
}

describe("compaction", () => {
  const fail = (error: unknown): void => {
    throw error as Error;
  };

  it("forgets what was there one interval ago, and nothing at the start", async () => {
    const { store, compacted, write } = fakeStore();
    write(100);
    const compactor = new Compactor(store, fail, 1e9);
    await compactor.run();
    await compactor.run();
    write(50);
    expect(compacted).toEqual([100, 101]);
    await compactor.run();
    write(7);
    await compactor.run();
    await compactor.stop();
    expect(compacted).toEqual([100, 101, 102, 153]);
  });

  it("is done by one of several servers in each interval", async () => {
    const { store, compacted, write } = fakeStore();
    const compactors = [
      new Compactor(store, fail, 1e9),
      new Compactor(store, fail, 1e9),
      new Compactor(store, fail, 1e9),
    ];
    for (const compactor of compactors) await compactor.run();
    const before = compacted.length;
    for (let round = 1; round <= 5; round++) {
      write(10);
      for (const compactor of compactors) await compactor.run();
      expect(compacted.length - before).toBe(round);
    }
    for (const compactor of compactors) await compactor.stop();
  });
});

describe("the data directory", () => {
  function folder(): string {
    const made = mkdtempSync(path.join(tmpdir(), "fairlead-data-"));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  }

  it("is one owner's, and free again when that one gives it back", () => {
    const dataDir = path.join(folder(), "a/b");
    const giveBack = takeDataDir(dataDir);
    expect(() => takeDataDir(dataDir)).toThrow(expect.objectContaining({ code: "DATA_DIR_IN_USE" }));
    giveBack();
    expect(readdirSync(dataDir)).toEqual([]);
    takeDataDir(dataDir)();
  });

  it.each(["", "999999999 1", `${process.pid} 1`, "nonsense"])(
    "is taken over from an owner that is gone: %j",
    (owner) => {
      const dataDir = folder();
      writeFileSync(path.join(dataDir, "server.pid"), owner);
      takeDataDir(dataDir)();
    },
  );
});
