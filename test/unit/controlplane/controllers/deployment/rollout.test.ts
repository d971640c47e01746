/** One step of a rollout (the cases of upstream's rolling_test.go and recreate_test.go). */
import { describe, expect, it } from "vitest";
import { plan, type Observed } from "../../../../../src/controlplane/controllers/deployment/plan.ts";
import { sortOut } from "../../../../../src/controlplane/controllers/deployment/replica_sets.ts";
import { newestSize, rollingSteps } from "../../../../../src/controlplane/controllers/deployment/rollout.ts";
import type { ReplicaSet } from "../../../../../src/model/kubernetes.ts";
import { nowMs, podOf } from "../../../../fixtures/workloads.ts";
import { deploymentOf, newest, setOf, type DeploymentShape } from "./shapes.ts";

function scales(shape: DeploymentShape, sets: readonly ReplicaSet[]): readonly string[] {
  const deployment = deploymentOf(shape);
  const sorted = sortOut(deployment, sets);
  return rollingSteps(deployment, { ...sorted, newest: sorted.newest! }).map((step) =>
    step.kind === "update-replica-set" ? `${step.set.metadata.name} ${step.scale?.from}→${step.scale?.to}` : step.kind,
  );
}

describe("the new one grows", () => {
  it.each([
    // surge, old, new, expected
    [0, 10, 0, []],
    [2, 10, 0, ["new 0→2"]],
    [2, 5, 0, ["new 0→7"]],
    [2, 10, 2, []],
    [2, 0, 12, ["new 12→10"]],
    [5, 0, 4, ["new 4→10"]],
  ])("with surge %d, %d old and %d new: %j", (surge, old, fresh, expected) => {
    const steps = scales({ surge, unavailable: 0 }, [setOf("v1", old), newest(fresh)]);
    expect(steps.filter((step) => step.startsWith("new"))).toEqual(expected);
  });

  it("is as large as there is room for at first", () => {
    expect(newestSize(deploymentOf({ surge: 2 }), [setOf("v1", 10)], 0)).toBe(2);
    expect(newestSize(deploymentOf({ surge: 2 }), [], 0)).toBe(10);
    expect(newestSize(deploymentOf({ strategy: { type: "Recreate" } }), [setOf("v1", 10)], 0)).toBe(10);
  });
});

describe("the old ones shrink", () => {
  it.each([
    // unavailable, old size, old available, new size, new available, expected
    ["one may lack", 2, 10, 10, 0, 0, ["v1 10→8"]],
    ["all that may lack do", 2, 8, 8, 0, 0, []],
    ["the new ones are not available yet", 2, 8, 8, 2, 0, []],
    ["the new ones are", 2, 8, 8, 2, 2, ["v1 8→6"]],
    ["the unavailable go first", 2, 10, 8, 0, 0, ["v1 10→8"]],
    ["more are unavailable than may lack", 2, 10, 6, 0, 0, ["v1 10→8"]],
    ["as many of the new ones lack as may, and some of the old ones too", 2, 8, 6, 4, 0, []],
    ["the last one", 0, 1, 1, 10, 10, ["v1 1→0"]],
  ] as const)("where %s", (_, unavailable, old, available, fresh, freshAvailable, expected) => {
    const sets = [setOf("v1", old, { available }), newest(fresh, { available: freshAvailable })];
    expect(scales({ unavailable, surge: 0 }, sets).filter((step) => step.startsWith("v"))).toEqual(expected);
  });

  it("by what is unavailable, then by what is oldest, each as far as it may", () => {
    const sets = [setOf("v1", 4, { available: 2 }), setOf("v2", 5, { available: 4 }), newest(6)];
    // 15 pods, 8 must be available: 7 may go, 3 unavailable ones first, then 4 available ones of 12.
    const shape = { surge: 5, unavailable: 2 };
    const full = sets.map((set) => (set.metadata.name === "new" ? newest(10, { available: 6 }) : set));
    expect(scales(shape, full)).toEqual(["v1 4→2", "v2 5→4", "v1 2→0", "v2 4→2"]);
  });
});

function observed(shape: DeploymentShape, replicaSets: readonly ReplicaSet[], pods: Observed["pods"] = new Map()) {
  return plan({ deployment: deploymentOf(shape), replicaSets, pods }, nowMs);
}

const kinds = (steps: ReturnType<typeof plan>["steps"]) =>
  steps.map((step) =>
    step.kind === "update-replica-set" && step.scale ? `scale ${step.set.metadata.name} ${step.scale.to}` : step.kind,
  );

describe("recreation", () => {
  const recreate = { strategy: { type: "Recreate" } } as const;

  it("empties the old ones, waits for their pods' end, and then makes the new one whole", () => {
    const filled = [setOf("v1", 10, { revision: 1 })];
    expect(kinds(observed(recreate, filled).steps)).toEqual(["scale v1 0"]);
    const emptied = [setOf("v1", 0, { revision: 1, replicas: 3 })];
    expect(observed(recreate, emptied).steps).toEqual([]);
    const gone = [setOf("v1", 0, { revision: 1 })];
    const ending = new Map([["uid-v1", [podOf({ deletedMs: nowMs })]]]);
    expect(observed(recreate, gone, ending).steps).toEqual([]);
    const ended = new Map([["uid-v1", [podOf({ phase: "Failed" }), podOf({ phase: "Succeeded" })]]]);
    expect(observed(recreate, gone, ended).steps).toMatchObject([
      { kind: "create-replica-set", set: { spec: { replicas: 10 } } },
    ]);
  });

  it("goes back to one that is there", () => {
    const back = [setOf("v2", 0, { revision: 2 }), newest(0, { revision: 3 })];
    expect(kinds(observed(recreate, back, new Map([["uid-new", [podOf()]]])).steps)).toEqual(["scale new 10"]);
  });
});

describe("old ReplicaSets", () => {
  const complete = { observedGeneration: 1, replicas: 10, updatedReplicas: 10, availableReplicas: 10 };
  const sets = [
    setOf("v3", 0, { revision: 3 }),
    setOf("v1", 0, { revision: 4 }),
    setOf("v2", 0, { revision: 2 }),
    newest(10, { revision: 5 }),
  ];
  const deleted = (shape: DeploymentShape, replicaSets = sets) =>
    observed({ unavailable: 1, ...shape }, replicaSets).steps.flatMap((step) =>
      step.kind === "delete-replica-set" ? [step.set.metadata.name] : [],
    );

  it("go when the rollout is complete, those of the lowest revisions first", () => {
    expect(deleted({ revisionHistoryLimit: 1, status: complete })).toEqual(["v2", "v3"]);
    expect(deleted({ revisionHistoryLimit: 3, status: complete })).toEqual([]);
    expect(deleted({ revisionHistoryLimit: 0, status: complete })).toEqual(["v2", "v3", "v1"]);
  });

  it("stay while it is not, and where all are to be kept", () => {
    expect(deleted({ revisionHistoryLimit: 0, status: { ...complete, availableReplicas: 9 } })).toEqual([]);
    expect(deleted({ revisionHistoryLimit: 2 ** 31 - 1, status: complete })).toEqual([]);
    expect(deleted({ revisionHistoryLimit: 0, paused: true })).toEqual(["v2", "v3", "v1"]);
  });

  it("stay while they have pods, or their end was not observed", () => {
    const kept = [
      setOf("v1", 0, { revision: 1, replicas: 1 }),
      { ...setOf("v2", 0, { revision: 2 }), status: { replicas: 0, observedGeneration: 0 } },
    ];
    expect(deleted({ revisionHistoryLimit: 0, status: complete }, [...kept, newest(10)])).toEqual([]);
  });
});
