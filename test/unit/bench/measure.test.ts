import { describe, expect, it } from "vitest";
import { Cleanup, type Driver, type Measurement } from "../../../bench/driver.ts";
import { BenchFailure, measureScenario } from "../../../bench/measure.ts";
import { roundOrders, seeded } from "../../../bench/random.ts";
import { simulatedScenario } from "./simulated.ts";

const options = { rounds: 10, warmUp: 1, seed: 1, parameters: { elements: 10 } };
const time = (value: number, rest: Partial<Measurement> = {}): Measurement => ({
  figures: { time: { value, unit: "ms" } },
  ...rest,
});
const driver = (name: string, measure: () => Measurement, rest: Partial<Driver> = {}): Driver => ({
  name,
  what: name,
  prepare: async () => async () => measure(),
  ...rest,
});

describe("a comparison", () => {
  it("measures every driver once in each round and keeps the warm-up apart", async () => {
    let reading = 0;
    const counting = driver("a", () => time(++reading));
    const result = await measureScenario(simulatedScenario([counting]), options);
    expect(result.drivers[0]).toMatchObject({
      figures: { time: { unit: "ms", values: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], warmUp: [1] } },
    });
  });

  it("gives a ratio above 1 where the first driver is better, whichever way its figure counts", async () => {
    const drivers = [driver("a", () => time(2)), driver("b", () => time(8))];
    const ratioOf = async (better: "lower" | "higher") =>
      (await measureScenario(simulatedScenario(drivers, { better }), options)).comparisons[0]!.ratio;
    expect(await ratioOf("lower")).toBe(4);
    expect(await ratioOf("higher")).toBe(0.25);
  });

  it("interleaves: each driver stands before the other in half of the rounds, in an order the seed decides", () => {
    const first = (seed: number) => {
      const orders = roundOrders(["a", "b"], seeded(seed));
      return Array.from({ length: 20 }, () => orders.next().value[0]);
    };
    expect(first(1)).toEqual(first(1));
    expect(first(1)).not.toEqual(first(2));
    expect(first(1).filter((name) => name === "a")).toHaveLength(10);
  });

  it("goes on without a rival that is not given, and leaves its target unchecked", async () => {
    const absent = driver("rival", () => time(1), { missing: () => "RIVAL is not set" });
    const scenario = simulatedScenario([driver("a", () => time(2)), absent], {
      targets: [
        { kind: "ratio", rival: "rival", atLeast: 4 },
        { kind: "figure", driver: "a", figure: "time", atLeast: 3 },
        { kind: "bound", driver: "a", figure: "time", atMost: 2 },
        { kind: "bound", driver: "a", figure: "time", atMost: 1.5 },
      ],
    });
    const result = await measureScenario(scenario, options);
    expect(result.drivers[1]).toEqual({ name: "rival", what: "rival", missing: "RIVAL is not set" });
    expect(result.comparisons).toEqual([]);
    expect(result.targets).toMatchObject([
      { value: null, met: null },
      { value: 2, met: false },
      { value: 2, met: true },
      { value: 2, met: false },
    ]);
  });

  it("holds an A/A run to no difference, and leaves too few rounds unchecked", async () => {
    const drivers = [driver("a", () => time(2)), driver("again", () => time(2))];
    const scenario = simulatedScenario(drivers, { targets: [{ kind: "same", rival: "again" }] });
    const metWith = async (rounds: number) =>
      (await measureScenario(scenario, { ...options, rounds })).targets.map(({ met }) => met);
    expect(await metWith(10)).toEqual([true]);
    expect(await metWith(3)).toEqual([null]);
  });

  it("keeps the first driver when the others are filtered", async () => {
    const drivers = ["a", "left", "right"].map((name) => driver(name, () => time(1)));
    const result = await measureScenario(simulatedScenario(drivers), { ...options, filter: "rig" });
    expect(result.drivers.map(({ name }) => name)).toEqual(["a", "right"]);
  });

  it("refuses to compare drivers that brought about different things", async () => {
    const drivers = [
      driver("a", () => time(1, { outcome: "10 elements" })),
      driver("b", () => time(1, { outcome: "9 elements" })),
    ];
    await expect(measureScenario(simulatedScenario(drivers), options)).rejects.toThrow(
      'b brought about "9 elements", a "10 elements"',
    );
  });

  it("stops before the next driver when it is told to", async () => {
    const stop = new AbortController();
    const stopping = driver("a", () => (stop.abort(), time(1)));
    await expect(measureScenario(simulatedScenario([stopping]), { ...options, signal: stop.signal })).rejects.toThrow(
      "was stopped in round 1",
    );
  });
});

describe("cleaning up", () => {
  it.each(["prepare", "measure"])("happens when %s fails, and the failure names driver and scenario", async (where) => {
    const undone: string[] = [];
    const failing: Driver = {
      name: "a",
      what: "fails",
      prepare: async (_, cleanup) => {
        cleanup.add(() => undone.push("namespace"));
        if (where === "prepare") throw new Error("no such link");
        return () => Promise.reject(new Error("no such link"));
      },
    };
    const run = measureScenario(simulatedScenario([failing]), options);
    await expect(run).rejects.toThrow(new BenchFailure("cannot measure a in simulated: no such link"));
    expect(undone).toEqual(["namespace"]);
  });

  it("runs backwards, and to its end when a step fails", async () => {
    const undone: string[] = [];
    const cleanup = new Cleanup();
    cleanup.add(() => undone.push("namespace"));
    cleanup.add(() => Promise.reject(new Error("file is busy")));
    cleanup.add(() => undone.push("socket"));
    await expect(cleanup.run()).rejects.toThrow("cannot clean up: Error: file is busy");
    expect(undone).toEqual(["socket", "namespace"]);
  });
});
