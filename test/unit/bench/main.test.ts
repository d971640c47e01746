import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { main } from "../../../bench/main.ts";
import type { BenchResult } from "../../../bench/result.ts";
import { noisyClock, simulatedDriver, simulatedScenario } from "./simulated.ts";

const clock = noisyClock(1);
const drivers = [simulatedDriver("ours", 1, clock), simulatedDriver("rival", 10, clock)];
const scenarios = [
  simulatedScenario(drivers),
  simulatedScenario(drivers, {
    name: "missed",
    parameters: { elements: 10, mode: "plain" },
    choices: { mode: ["plain", "fancy"] },
    targets: [{ kind: "ratio", rival: "rival", atLeast: 1000, where: { mode: "plain" } }],
  }),
  simulatedScenario([{ ...drivers[0]!, prepare: () => Promise.reject(new Error("EPERM")) }], { name: "failing" }),
];
const file = path.join(tmpdir(), `bench-main-test-${process.pid}.json`);
afterAll(() => rmSync(file, { force: true }));

async function run(...argv: string[]) {
  let out = "";
  let err = "";
  const code = await main(argv, { out: (text) => (out += text), err: (text) => (err += text) }, scenarios);
  return { code, out, err };
}

describe("npm run bench", () => {
  it("prints a table and writes the same as JSON", async () => {
    const { code, out } = await run("simulated", "--rounds", "8", "--seed", "7", "--set", "elements=3", "--json", file);
    expect(code).toBe(0);
    expect(out).toContain("elements 3 · 8 rounds after 2 of warm-up · seed 7");
    const result = JSON.parse(readFileSync(file, "utf8")) as BenchResult;
    expect(result.schema).toBe("fairlead-bench/1");
    expect(result.scenarios[0]).toMatchObject({ seed: 7, rounds: 8, parameters: { elements: 3 } });
    expect(result.scenarios[0]!.comparisons[0]!.ratios).toHaveLength(8);
    expect(Object.keys(result.machine.versions)).toEqual(["fairlead", "node", "nft", "ip"]);
  });

  it("prints nothing but JSON with --json -", async () => {
    const { out } = await run("simulated", "--rounds", "2", "--json", "-");
    expect((JSON.parse(out) as BenchResult).scenarios[0]!.scenario).toBe("simulated");
  });

  it("chooses a seed and says it", async () => {
    const { out } = await run("simulated", "--rounds", "1");
    expect(out).toMatch(/seed \d+/);
  });

  it("lists what there is", async () => {
    expect(await run("--list")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^simulated {2}simulated work\n/),
    });
    expect((await run("--help")).out).toContain("usage: npm run bench");
  });

  it("exits with 1 for a missed target, and only where it is asked to check", async () => {
    expect((await run("missed", "--rounds", "1", "--check")).code).toBe(1);
    expect((await run("missed", "--rounds", "1")).code).toBe(0);
  });

  it("takes words that the scenario has, and knows of which a target is", async () => {
    const { code, out } = await run("missed", "--rounds", "1", "--check", "--set", "mode=fancy");
    expect(code).toBe(0);
    expect(out).toContain("elements 10 · mode fancy · ");
    expect(out).not.toContain("target");
  });

  it("exits with 3 when a driver fails", async () => {
    expect(await run("failing")).toMatchObject({ code: 3, err: "bench: cannot measure ours in failing: EPERM\n" });
  });

  it.each([
    [[], "no scenario is named: give one of simulated, missed, failing"],
    [["nat"], 'no scenario is called "nat"'],
    [["simulated", "--rounds", "many"], '--rounds takes a whole number from 1 to 100000, not "many"'],
    [["simulated", "--seed", "-1"], "--seed"],
    [["simulated", "--set", "elements"], '--set takes NAME=VALUE, not "elements"'],
    [["simulated", "--set", "routes=1"], "--set routes: simulated has the parameters elements"],
    [["missed", "--set", "mode=new"], '--set mode takes one of plain, fancy, not "new"'],
    [["simulated", "--fast"], "Unknown option '--fast'"],
    [["simulated", "--json", "/nowhere/result.json"], "--json /nowhere/result.json: ENOENT"],
  ])("exits with 2 for %j and says what is wrong", async (argv, message) => {
    const { code, err } = await run(...argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
