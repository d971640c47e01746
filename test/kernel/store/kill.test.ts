/**
 * kill -9 at any moment: what was acknowledged is there, what a watch saw is there, revisions go on
 * upwards. Some rounds in `npm test`, 200 in `npm run test:long`.
 */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { EmbeddedStore } from "../../../src/controlplane/store/embedded/embedded_store.ts";
import type { WriterLine } from "../../fixtures/store_writer.ts";
import { seed } from "../../fixtures/seed.ts";

const rounds = process.env["FAIRLEAD_LONG"] ? 200 : 8;
const keys = 32;
const writer = path.resolve("dist/test/fixtures/store_writer.js");
const folder = mkdtempSync(path.join(tmpdir(), "fairlead-kill-"));
const file = path.join(folder, "store.db");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What one key can be after the kill: its last acknowledged value, or the one that was being written. */
interface Expected {
  acknowledged: string | null;
  inFlight: string | null | undefined;
}

it(`loses nothing in ${rounds} kills`, { timeout: rounds * 5000 }, async () => {
  console.log(`seed ${seed} (FAIRLEAD_SEED repeats it)`);
  const expected = new Map<string, Expected>();
  let newest = 0;
  let writes = 0;
  for (let round = 0; round < rounds; round++) {
    // From within the first commits to within some thousand of them.
    const lines = await killed(seed + round, 60 + ((seed * 31 + round * 7919) % 600));
    writes += lines.filter((line) => line.say === "done").length;
    newest = await check(lines, expected, newest);
  }
  console.log(`${writes} acknowledged writes, ${newest} revisions`);
  expect(writes).toBeGreaterThan(rounds);
});

/** Runs the writer and kills it some time after its first line. It writes to a file: a pipe that is full would not wait. */
async function killed(writerSeed: number, afterMs: number): Promise<WriterLine[]> {
  const log = path.join(folder, "writer.log");
  const out = openSync(log, "w");
  const child = spawn(process.execPath, [writer, file, String(writerSeed), String(keys)], {
    stdio: ["ignore", out, "inherit"],
  });
  const exited = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once("exit", (_code, signal) => resolve(signal)),
  );
  closeSync(out);
  const deadline = Date.now() + 10_000;
  while (statSync(log).size === 0 && Date.now() < deadline) await sleep(5);
  await sleep(afterMs);
  child.kill("SIGKILL");
  // It ends by our hand alone: a writer that failed would make this test pass by doing nothing.
  expect(await exited).toBe("SIGKILL");
  const lines = readFileSync(log, "latin1").split("\n");
  // The last line may be cut.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as WriterLine);
}

/** Compares the store with what the writer said. @returns the newest revision */
async function check(
  lines: readonly WriterLine[],
  expected: Map<string, Expected>,
  newestBefore: number,
): Promise<number> {
  const store = await EmbeddedStore.open({ file });
  try {
    const { items, revision } = await store.range({ prefix: "/" });
    const found = new Map(items.map((item) => [item.key, item.value.toString("latin1", 0, 24)]));
    const told = follow(lines, expected);
    expect(revision).toBeGreaterThanOrEqual(Math.max(newestBefore, told.newest));
    for (const [key, { acknowledged, inFlight }] of expected) {
      const value = found.get(key) ?? null;
      expect(inFlight === undefined ? [acknowledged] : [acknowledged, inFlight], `${key} after the kill`).toContain(
        value,
      );
      expected.set(key, { acknowledged: value, inFlight: undefined });
    }
    expect([...found.keys()].filter((key) => !expected.has(key))).toEqual([]);
    expect(told.seen).toEqual([...told.seen].sort((a, b) => a - b));
    expect(new Set(told.seen).size).toBe(told.seen.length);
    // A watch never sees what is not on the disk.
    expect(told.seen.at(-1) ?? 0).toBeLessThanOrEqual(revision);
    return revision;
  } finally {
    await store.close();
  }
}

function follow(lines: readonly WriterLine[], expected: Map<string, Expected>): { newest: number; seen: number[] } {
  const seen: number[] = [];
  let newest = 0;
  for (const line of lines) {
    const key = expected.get(line.key) ?? { acknowledged: null, inFlight: undefined };
    expected.set(line.key, key);
    if (line.say === "try") key.inFlight = line.value;
    else if (line.say === "done") {
      key.acknowledged = line.value;
      key.inFlight = undefined;
      newest = Math.max(newest, line.revision);
    } else {
      seen.push(line.revision);
      newest = Math.max(newest, line.revision);
      // What a watch saw is as good as acknowledged, though the writer was not told yet.
      if (key.inFlight === line.value) {
        key.acknowledged = line.value;
        key.inFlight = undefined;
      }
    }
  }
  return { newest, seen };
}
