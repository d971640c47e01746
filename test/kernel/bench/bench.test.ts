/** The bench frame from its command line to its JSON, on this kernel, small. What it measures is not judged here. */
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { exitCode, main } from "../../../bench/main.ts";
import type { BenchResult, DriverResult } from "../../../bench/result.ts";
import { native } from "../../../src/kernel/native.ts";

async function run(...argv: string[]) {
  let out = "";
  let err = "";
  const code = await main(argv, { out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

async function measure(...argv: string[]) {
  const { code, out, err } = await run(...argv, "--json", "-");
  expect(code, err).toBe(exitCode.measured);
  return (JSON.parse(out) as BenchResult).scenarios[0]!;
}

const outcomeOf = (driver: DriverResult | undefined) => (driver && "outcome" in driver ? driver.outcome : undefined);
const scratch = () => readdirSync(tmpdir()).filter((name) => name.startsWith(`fairlead-bench-${process.pid}-`));
const few = ["--rounds", "3", "--warm-up", "1"];

describe("nft-map-load", () => {
  const small = ["nft-map-load", "--set", "elements=500", "--set", "chains=3", ...few];

  it("prints figures, the ratio and the machine", async () => {
    const { code, out, err } = await run(...small, "--seed", "5");
    expect(code, err).toBe(exitCode.measured);
    expect(out).toMatch(/fairlead +time .*ms\n/);
    expect(out).toMatch(/nft -f +time .*ms\n/);
    expect(out).toMatch(/nft -f \/ fairlead: [\d.]+× \(range .*\): too few rounds/);
    expect(out).toMatch(/each brought about: 500 elements, sha256 /);
    expect(out).toMatch(/seed 5\n/);
    expect(out).toMatch(/^kernel +\d/m);
  });

  it("loads the same map by both drivers, as nft lists it", async () => {
    const { drivers, comparisons } = await measure(...small);
    expect(outcomeOf(drivers[0])).toMatch(/^500 elements, sha256 [0-9a-f]{16}$/);
    expect(outcomeOf(drivers[1])).toBe(outcomeOf(drivers[0]));
    expect(comparisons[0]!.ratios).toHaveLength(3);
  });

  it("leaves nothing behind", async () => {
    const [handles, files] = [native().openHandles(), scratch()];
    await measure(...small);
    expect(native().openHandles()).toEqual(handles);
    expect(scratch()).toEqual(files);
  });
});

describe("route-load", () => {
  it("adds the same routes by both drivers, as ip lists them", async () => {
    const { drivers } = await measure("route-load", "--set", "routes=500", ...few);
    expect(outcomeOf(drivers[0])).toMatch(/^500 routes, sha256 /);
    expect(outcomeOf(drivers[1])).toBe(outcomeOf(drivers[0]));
  });
});

describe("proxy-load", () => {
  it("brings about the same endpoints by both drivers, and none that were replaced", async () => {
    const size = ["--set", "services=20", "--set", "changes=3", "--rounds", "1", "--warm-up", "0"];
    const { drivers } = await measure("proxy-load", ...size);
    expect(outcomeOf(drivers[0])).toBe("80 endpoints, 0 missing, 0 stale");
    expect(outcomeOf(drivers[1])).toBe(outcomeOf(drivers[0]));
  });
});

describe("aa", () => {
  it("compares the driver with itself", async () => {
    const { comparisons, targets } = await measure("aa", "--set", "elements=500", "--rounds", "8", "--warm-up", "1");
    expect(comparisons).toMatchObject([{ subject: "fairlead", rival: "fairlead again" }]);
    // Whether it sees no difference is shown on simulated clocks: one real run in a hundred may be wrong.
    expect(targets).toMatchObject([{ target: { kind: "same" } }]);
  });
});

describe("codec", () => {
  it("folds benny's figures into the same result, and nothing of benny into the output", async () => {
    const { drivers } = await measure("codec", "--filter", "routes", "--rounds", "1", "--warm-up", "0");
    expect(drivers.map(({ name }) => name)).toEqual(["encode routes", "decode routes"]);
    for (const driver of drivers) expect(driver).toMatchObject({ figures: { rate: { unit: "1/s" } } });
  });
});
