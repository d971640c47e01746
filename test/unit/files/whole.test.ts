import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeWhole } from "../../../src/files/whole.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(path.join(tmpdir(), "fairlead-whole-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a file that is written whole", () => {
  it("is one of those that are written at once, and nothing else is left", async () => {
    const file = path.join(folder, "deep", "file");
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000));
    await Promise.all(texts.map((text) => writeWhole(file, text)));
    expect(texts).toContain(readFileSync(file, "utf8"));
    expect(readdirSync(path.dirname(file))).toEqual(["file"]);
    expect(statSync(file).mode & 0o7777).toBe(0o600);
  });

  it("has the mode that it had, or that is given, and any bytes", async () => {
    const file = path.join(folder, "file");
    writeFileSync(file, "before", { mode: 0o640 });
    await writeWhole(file, new Uint8Array([0, 255, 128]));
    expect([...readFileSync(file)]).toEqual([0, 255, 128]);
    expect(statSync(file).mode & 0o7777).toBe(0o640);
    await writeWhole(file, "after", 0o755);
    expect(statSync(file).mode & 0o7777).toBe(0o755);
  });

  it("stays as it was where it cannot be replaced", async () => {
    const file = path.join(folder, "file");
    writeFileSync(path.join(folder, "other"), "");
    await expect(writeWhole(path.join(folder, "other", "file"), "text")).rejects.toThrow();
    writeFileSync(file, "before");
    await expect(writeWhole(file, null as never)).rejects.toThrow();
    expect(readFileSync(file, "utf8")).toBe("before");
    expect(readdirSync(folder).sort()).toEqual(["file", "other"]);
  });
});
