/** Mounts in memory: made once, found again, and gone, by either way to run a program. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runProgram } from "../../../src/kernel/real/programs.ts";
import {
  mountPointsBelow,
  mountTmpfs,
  removeUnmounted,
  runByFork,
  unmountBelow,
} from "../../../src/kubelet/volumes/mounts.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-mounts-"));
});
afterEach(async () => {
  await unmountBelow(folder);
  rmSync(folder, { recursive: true });
});

const ways = [
  ["node's", runByFork],
  ["the add-on's", (argv: readonly [string, ...string[]]) => runProgram(argv, 20_000)],
] as const;

describe.each(ways)("a tmpfs by %s way", (_, run) => {
  it("is made once, as large as it may be, and is gone when it is unmounted", async () => {
    const target = path.join(folder, "with a blank");
    mkdirSync(target);
    expect(await mountTmpfs(target, 1 << 20, run)).toBe(true);
    writeFileSync(path.join(target, "kept"), "");
    expect(await mountTmpfs(target, 1 << 20, run)).toBe(false);
    expect(existsSync(path.join(target, "kept"))).toBe(true);
    expect(await mountPointsBelow(folder)).toEqual([target]);
    const { blocks, bsize } = statfsSync(target);
    expect(blocks * bsize).toBe(1 << 20);
    await unmountBelow(folder, run);
    expect(await mountPointsBelow(folder)).toEqual([]);
  });

  it("within another is one of its own", async () => {
    const inner = path.join(folder, "inner");
    expect(await mountTmpfs(folder, undefined, run)).toBe(true);
    mkdirSync(inner);
    expect(await mountTmpfs(inner, undefined, run)).toBe(true);
    expect(await mountPointsBelow(folder)).toEqual([inner, folder]);
  });

  it("says what it failed by", async () => {
    const target = path.join(folder, "target");
    mkdirSync(target);
    await expect(mountTmpfs(target, -1, run)).rejects.toMatchObject({ code: "VOLUME" });
  });
});

describe("a folder that is to be removed", () => {
  it("stays with all that is in it while anything is mounted there, also behind a symbolic link", async () => {
    const [above, link] = [path.join(folder, "volume"), path.join(folder, "link")];
    const mounted = path.join(above, "data");
    mkdirSync(mounted, { recursive: true });
    symlinkSync(folder, link);
    writeFileSync(path.join(above, "own"), "");
    await mountTmpfs(mounted);
    writeFileSync(path.join(mounted, "theirs"), "");
    for (const name of [above, path.join(link, "volume")]) {
      await expect(removeUnmounted(name)).rejects.toMatchObject({
        code: "VOLUME",
        reason: `${mounted} is mounted there`,
      });
    }
    expect([path.join(mounted, "theirs"), path.join(above, "own")].every(existsSync)).toBe(true);
    await unmountBelow(folder);
    await removeUnmounted(above);
    expect(existsSync(above)).toBe(false);
    await removeUnmounted(above);
  });
});
