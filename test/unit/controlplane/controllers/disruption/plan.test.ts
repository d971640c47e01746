/** How many pods of a budget may go; cases as upstream's tests of the disruption controller have them. */
import { describe, expect, it } from "vitest";
import {
  expectedOf,
  failedStatus,
  needsScale,
  planBudget,
  staleDisruptionInMs,
} from "../../../../../src/controlplane/controllers/disruption/plan.ts";
import type { Pod, PodDisruptionBudget } from "../../../../../src/model/kubernetes.ts";

const now = Date.parse("2026-01-01T00:10:00Z");
const budget = (spec: object, status?: object): PodDisruptionBudget =>
  ({ metadata: { name: "b", namespace: "default", generation: 3 }, spec, status }) as unknown as PodDisruptionBudget;
const pod = (name: string, ready = true, over: object = {}): Pod =>
  ({
    metadata: { name, namespace: "default", ...over },
    status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  }) as unknown as Pod;
const pods = (ready: number, silent = 0): Pod[] => [
  ...Array.from({ length: ready }, (_, i) => pod(`r${i}`)),
  ...Array.from({ length: silent }, (_, i) => pod(`s${i}`, false)),
];

describe("expectedOf", () => {
  it.each<[object, number, number, number, number, boolean]>([
    [{ minAvailable: 3 }, 5, 0, 5, 3, false],
    [{ minAvailable: "28%" }, 5, 10, 10, 3, true],
    [{ minAvailable: "100%" }, 5, 7, 7, 7, true],
    [{ maxUnavailable: 1 }, 5, 7, 7, 6, true],
    [{ maxUnavailable: 9 }, 5, 7, 7, 0, true],
    [{ maxUnavailable: "50%" }, 5, 7, 7, 3, true],
    [{ maxUnavailable: 0 }, 5, 7, 7, 7, true],
    [{}, 5, 7, 0, 0, false],
  ])("%j of %i pods and %i replicas", (spec, count, scale, expectedPods, healthy, scales) => {
    expect(expectedOf(budget(spec), count, scale)).toEqual({ pods: expectedPods, healthy });
    expect(needsScale(budget(spec))).toBe(scales);
  });
});

describe("planBudget", () => {
  const plan = (given: PodDisruptionBudget, all: Pod[], expectedPods: number, healthy: number) =>
    planBudget(given, all, { pods: expectedPods, healthy }, now);
  it.each<[string, Pod[], number, number, number, number]>([
    ["enough", pods(5), 5, 3, 5, 2],
    ["just enough", pods(3, 2), 5, 3, 3, 0],
    ["too few", pods(1, 2), 3, 3, 1, 0],
    ["none yet", [], 0, 0, 0, 0],
    ["no count of what there should be", pods(2), 0, 0, 2, 0],
    ["one that goes is not counted", [...pods(2), pod("x", true, { deletionTimestamp: "x" })], 3, 1, 2, 1],
  ])("%s", (_, all, expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed) => {
    const { status } = plan(budget({}), all, expectedPods, desiredHealthy);
    expect(status).toEqual({
      currentHealthy,
      desiredHealthy,
      expectedPods,
      disruptionsAllowed,
      observedGeneration: 3,
      conditions: [
        {
          type: "DisruptionAllowed",
          status: disruptionsAllowed > 0 ? "True" : "False",
          reason: disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods",
          message: "",
          lastTransitionTime: "2026-01-01T00:10:00Z",
          observedGeneration: 3,
        },
      ],
    });
    // Written once; the fields' order is nobody's matter.
    const again = budget({}, Object.fromEntries(Object.entries(status!).reverse()));
    expect(plan(again, all, expectedPods, desiredHealthy).status).toBeUndefined();
  });

  it("believes an eviction for two minutes, then counts the pod again and says so", () => {
    const at = (seconds: number): string => new Date(now - seconds * 1000).toISOString();
    const disruptedPods = { r0: at(30), r1: at(121), gone: at(10), r2: at(10) };
    const all = [...pods(2), pod("r2", true, { deletionTimestamp: "x" })];
    const result = plan(budget({}, { disruptedPods }), all, 3, 1);
    expect(result.status).toMatchObject({ currentHealthy: 1, disruptedPods: { r0: at(30) } });
    expect(result.notDeleted.map(({ metadata }) => metadata.name)).toEqual(["r1"]);
    expect(result.againAfterMs).toBe(90_001);
  });

  it("allows nothing where it fails", () => {
    const before = plan(budget({}), pods(5), 5, 3).status!;
    const failed = failedStatus(budget({}, before), "found no controllers", now + 5000);
    expect(failed).toMatchObject({ disruptionsAllowed: 0, currentHealthy: 5 });
    expect(failed.conditions).toEqual([
      {
        type: "DisruptionAllowed",
        status: "False",
        reason: "SyncFailed",
        message: "found no controllers",
        lastTransitionTime: "2026-01-01T00:10:05Z",
        observedGeneration: 3,
      },
    ]);
  });
});

describe("staleDisruptionInMs", () => {
  const target = (status: string, lastTransitionTime: string, over: object = {}): Pod => ({
    ...pod("x", true, over),
    status: { phase: "Running", conditions: [{ type: "DisruptionTarget", status, lastTransitionTime }] },
  });
  it.each<[string, Pod, number | undefined]>([
    ["just now", target("True", "2026-01-01T00:10:00Z"), 120_000],
    ["long ago", target("True", "2026-01-01T00:00:00Z"), 0],
    ["no more", target("False", "2026-01-01T00:00:00Z"), undefined],
    ["on its way", target("True", "2026-01-01T00:00:00Z", { deletionTimestamp: "x" }), undefined],
    ["never", pod("x"), undefined],
  ])("%s", (_, given, expected) => expect(staleDisruptionInMs(given, now)).toBe(expected));
});
