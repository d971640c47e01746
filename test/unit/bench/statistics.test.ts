import { describe, expect, it } from "vitest";
import { measureScenario } from "../../../bench/measure.ts";
import { fewestRounds, judge, median, medianInterval, summarize, type Verdict } from "../../../bench/statistics.ts";
import { noisyClock, simulatedDriver, simulatedScenario } from "./simulated.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const rounds = { kind: "rounds", confidence: 0.99 } as const;

describe("summaries", () => {
  it("interpolates the median and the quartiles", () => {
    expect(summarize([4, 1, 3, 2])).toEqual({ count: 4, median: 2.5, min: 1, max: 4, q1: 1.75, q3: 3.25 });
    expect(median([5])).toBe(5);
  });

  it("refuses to summarize nothing", () => {
    expect(() => summarize([])).toThrow(RangeError);
  });
});

describe("the interval of a median", () => {
  // Tables of the sign test: n = 10 and 99 %: first to tenth; n = 20: fourth to seventeenth; n = 30: eighth to 23rd.
  it.each([
    [8, 1, 8],
    [10, 1, 10],
    [20, 4, 17],
    [30, 8, 23],
  ])("of %i values goes from the %i. to the %i.", (count, low, high) => {
    expect(medianInterval(upTo(count), 0.99)).toMatchObject({ low, high });
  });

  it("says how much it covers", () => {
    // 2 · (1 + 10) / 2^10 lie outside the second to the ninth of ten.
    expect(medianInterval(upTo(10), 0.95)?.coverage).toBeCloseTo(1 - 22 / 1024, 12);
  });

  it("is not made of fewer values than its confidence takes", () => {
    expect(fewestRounds(0.99)).toBe(8);
    expect(medianInterval(upTo(7), 0.99)).toBeUndefined();
    expect(medianInterval(upTo(8), 0.99)?.coverage).toBeGreaterThan(0.99);
    expect(medianInterval([], 0.99)).toBeUndefined();
  });
});

describe("verdicts", () => {
  const around = (ratio: number, spread: number) => upTo(20).map((i) => ratio + ((i - 10.5) / 10) * spread);

  it.each<[string, number[], Verdict]>([
    ["every round is twice as good", around(2, 0.1), "better"],
    ["every round is half as good", around(0.5, 0.1), "worse"],
    ["rounds fall on both sides of 1", around(1.02, 0.1), "no difference"],
    ["all rounds lie within the band where placement in memory decides", around(1.005, 0.001), "no difference"],
    ["the rounds are too few to tell", [2, 2, 2], "too few rounds"],
  ])("%s", (_, ratios, verdict) => {
    expect(judge(ratios, rounds).verdict).toBe(verdict);
  });

  it("takes counts that repeat by their bound, however few", () => {
    const counts = { kind: "repeatable", within: 0.01 } as const;
    expect(judge([1.05, 1.051], counts).verdict).toBe("better");
    expect(judge([1.015, 1.015], counts).verdict).toBe("no difference");
    expect(judge([1.05, 0.99], counts).verdict).toBe("no difference");
  });
});

describe("a hundred simulated runs on a noisy machine", () => {
  async function verdicts(ours: number, theirs: number): Promise<Verdict[]> {
    const found: Verdict[] = [];
    for (let seed = 1; seed <= 100; seed++) {
      const clock = noisyClock(seed);
      const scenario = simulatedScenario([simulatedDriver("a", ours, clock), simulatedDriver("b", theirs, clock)]);
      const result = await measureScenario(scenario, { rounds: 40, warmUp: 2, seed, parameters: {} });
      found.push(result.comparisons[0]!.verdict);
    }
    return found;
  }
  const count = (found: Verdict[], verdict: Verdict) => found.filter((one) => one === verdict).length;

  it("see no difference between A and A in at least 98", async () => {
    expect(count(await verdicts(10, 10), "no difference")).toBeGreaterThanOrEqual(98);
  });

  it("see a difference of 10 %, and never the wrong way round", async () => {
    const found = await verdicts(10, 11);
    expect(count(found, "better")).toBeGreaterThanOrEqual(80);
    expect(count(found, "worse")).toBe(0);
  });
});
