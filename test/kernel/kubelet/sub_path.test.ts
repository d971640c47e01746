/** subPath against a container that swaps folders for links meanwhile: it never sees what is outside of its volume. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { mountPointsBelow, unmountBelow } from "../../../src/kubelet/volumes/mounts.ts";
import { mountSubPath } from "../../../src/kubelet/volumes/sub_path.ts";

let folder: string;
let volume: string;
let target: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-subpath-"));
  volume = path.join(folder, "volume");
  target = path.join(folder, "target");
  mkdirSync(path.join(volume, "real/below"), { recursive: true });
  mkdirSync(path.join(folder, "outside/below"), { recursive: true });
  writeFileSync(path.join(volume, "real/below/mine"), "");
  writeFileSync(path.join(folder, "outside/below/secret"), "");
});
afterEach(async () => {
  await unmountBelow(folder);
  rmSync(folder, { recursive: true });
});

const mounted = async (below: string): Promise<readonly string[]> => {
  await mountSubPath({ volume, below, target });
  return readdirSync(target);
};

it("follows links within the volume, and none that leads out", async () => {
  symlinkSync("real", path.join(volume, "inside"));
  symlinkSync("../outside", path.join(volume, "out"));
  symlinkSync("nowhere", path.join(volume, "dangling"));
  expect(await mounted("inside/below")).toEqual(["mine"]);
  for (const below of ["out", "out/below", "dangling/x", "../outside", "real/../../outside", "/etc"]) {
    await expect(mounted(below), below).rejects.toThrow(/subPath/);
  }
});

it("makes what is not there, and mounts a file as a file", async () => {
  expect(await mounted("new/deep/er")).toEqual([]);
  await unmountBelow(target);
  rmSync(target, { recursive: true });
  await mountSubPath({ volume, below: "real/below/mine", target });
  expect(await mountPointsBelow(folder)).toEqual([target]);
});

it("wins every race with who swaps a folder for a link", async () => {
  symlinkSync("../outside", path.join(volume, "link"));
  // renameat2(2) with RENAME_EXCHANGE: at every moment one of the two is there.
  const number = process.arch === "x64" ? 316 : 276;
  const swap = `chdir shift; my ($a, $b) = ("real", "link"); while (1) { syscall(${number}, -100, $a, -100, $b, 2) == 0 or die }`;
  const swapper = spawn("perl", ["-e", swap, volume], { stdio: "ignore" });
  const ended = new Promise((resolve) => swapper.once("exit", resolve));
  const seen = { mine: 0, refused: 0, secret: 0 };
  try {
    // At least until both were seen: who swaps may be kept from the processor for as long as many tries take.
    const isEnough = (): boolean => seen.mine >= 20 && seen.refused >= 20;
    for (let i = 0; i < 150 || (!isEnough() && i < 100_000); i++) {
      const names = await mounted("real/below").catch(() => undefined);
      if (names === undefined) seen.refused++;
      else if (names.includes("secret")) seen.secret++;
      else seen.mine++;
    }
  } finally {
    swapper.kill("SIGKILL");
    await ended;
  }
  expect(swapper.exitCode).toBe(null);
  expect(seen.secret, JSON.stringify(seen)).toBe(0);
  expect(seen.mine, JSON.stringify(seen)).toBeGreaterThan(0);
  expect(seen.refused, JSON.stringify(seen)).toBeGreaterThan(0);
  expect(existsSync(path.join(folder, "outside/below/secret"))).toBe(true);
  // What was made while the folder was away is within the volume.
  expect(readdirSync(path.join(folder, "outside"))).toEqual(["below"]);
}, 60_000);
