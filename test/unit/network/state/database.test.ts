import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openState, type StateDatabase } from "../../../../src/network/state/database.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-state-"));
  file = path.join(folder, "state.db");
});

afterEach(() => rmSync(folder, { recursive: true }));

const add = "INSERT INTO lease VALUES ('net', ?, ?, 'eth0')";
const count = (db: StateDatabase) => (db.prepare("SELECT count(*) AS n FROM lease").get() as { n: number }).n;

/** Opens it, and closes it with so many leases more. @returns how many it had */
function visit(bootId: string, leases = 0): number {
  const db = openState(file, { bootId });
  const had = count(db);
  for (let i = 0; i < leases; i++) db.prepare(add).run(`10.0.0.${had + i}`, `container-${"x".repeat(200)}${i}`);
  db.close();
  return had;
}

it("keeps what is of this boot, and nothing of an earlier one", () => {
  expect(visit("one", 3)).toBe(0);
  expect(visit("one")).toBe(3);
  expect(visit("two")).toBe(0);
});

it("begins anew where the machine's end left an older part of the file between newer ones", () => {
  visit("one", 200);
  const bytes = readFileSync(file);
  writeFileSync(file, withOneChildTwice(bytes));
  expect(visit("two", 200)).toBe(0);
  expect(visit("two")).toBe(200);
  const db = openState(file, { bootId: "two" });
  expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
  db.close();
});

/** Fileformat2, 1.6: to drop such a table frees a page twice, without a word, so that two tables get it. */
function withOneChildTwice(bytes: Buffer): Buffer {
  const [pageBytes, interiorIndex, headerBytes] = [4096, 2, 12];
  const pages = Array.from({ length: bytes.length / pageBytes }, (_, i) => bytes.subarray(i * pageBytes));
  const page = pages.slice(1).find((one) => one[0] === interiorIndex && one.readUInt16BE(3) > 1)!;
  const cell = (i: number): number => page.readUInt16BE(headerBytes + 2 * i);
  page.writeUInt32BE(page.readUInt32BE(cell(0)), cell(1));
  return bytes;
}
