/** When a pod leaves a tainted node; cases as upstream's taint eviction tests have them. */
import { describe, expect, it } from "vitest";
import { planDeparture, toleratedSeconds } from "../../../../../src/controlplane/controllers/taint_eviction/plan.ts";
import type { Pod } from "../../../../../src/model/kubernetes.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const taint = (key: string, value?: string) => ({
  key,
  effect: "NoExecute",
  ...(value === undefined ? {} : { value }),
});
const tolerate = (key: string, tolerationSeconds?: number) => ({
  key,
  operator: "Exists",
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
});

describe("toleratedSeconds", () => {
  it.each([
    ["none", [], [taint("a")], 0],
    ["for ever", [tolerate("a")], [taint("a")], undefined],
    ["for a while", [tolerate("a", 60)], [taint("a")], 60],
    ["the shortest", [tolerate("a", 60), tolerate("b", 10), tolerate("c")], [taint("a"), taint("b"), taint("c")], 10],
    ["one of two", [tolerate("a", 60)], [taint("a"), taint("b")], 0],
    ["not at all", [tolerate("a", 0)], [taint("a")], 0],
    ["less than nothing", [tolerate("a", -5)], [taint("a")], 0],
    ["everything", [{ operator: "Exists" }], [taint("a"), taint("b", "x")], undefined],
    ["another value", [{ key: "a", operator: "Equal", value: "y" }], [taint("a", "x")], 0],
    ["another effect", [{ key: "a", operator: "Exists", effect: "NoSchedule" }], [taint("a")], 0],
    ["the first that fits counts", [tolerate("a", 5), tolerate("a", 60)], [taint("a")], 5],
  ])("%s", (_, tolerations, taints, expected) => expect(toleratedSeconds(tolerations, taints)).toBe(expected));
});

describe("planDeparture", () => {
  const pod = (...tolerations: object[]): Pod => ({ spec: { tolerations } }) as unknown as Pod;
  it("stays where nothing is tainted, or all is tolerated", () => {
    expect(planDeparture(pod(), [], { sinceMs: 0, dueMs: 1 }, now)).toBeUndefined();
    expect(planDeparture(pod(tolerate("a")), [taint("a")], undefined, now)).toBeUndefined();
  });
  it("leaves at once, or when its time is over", () => {
    expect(planDeparture(pod(), [taint("a")], undefined, now)).toEqual({ sinceMs: now, dueMs: now });
    expect(planDeparture(pod(tolerate("a", 60)), [taint("a")], undefined, now)).toEqual({
      sinceMs: now,
      dueMs: now + 60_000,
    });
  });
  it("keeps to what was planned, and a second taint makes it only sooner", () => {
    const before = { sinceMs: now, dueMs: now + 60_000 };
    const both = pod(tolerate("a", 60), tolerate("b", 20));
    expect(planDeparture(both, [taint("a")], before, now + 30_000)).toEqual(before);
    expect(planDeparture(both, [taint("a"), taint("b")], before, now + 5_000)).toEqual({
      sinceMs: now,
      dueMs: now + 20_000,
    });
    expect(planDeparture(both, [taint("a"), taint("b")], before, now + 30_000)).toEqual({
      sinceMs: now,
      dueMs: now + 30_000,
    });
    const long = pod(tolerate("a", 600));
    expect(planDeparture(long, [taint("a")], before, now + 30_000)).toEqual(before);
  });
});
