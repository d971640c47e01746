/** A deployment of another size, in the midst of rollouts (the cases of upstream's TestScale). */
import { describe, expect, it } from "vitest";
import { maxSurge, maxUnavailable } from "../../../../../src/controlplane/controllers/deployment/bounds.ts";
import { sortOut } from "../../../../../src/controlplane/controllers/deployment/replica_sets.ts";
import { isScaling, scalePlan } from "../../../../../src/controlplane/controllers/deployment/scaling.ts";
import type { Deployment, ReplicaSet } from "../../../../../src/model/kubernetes.ts";
import { deploymentOf, newest, setOf } from "./shapes.ts";

function sizesAfter(deployment: Deployment, sets: readonly ReplicaSet[]): readonly (number | undefined)[] {
  const sizes = new Map(sets.map((set) => [set.metadata.name, set.spec.replicas]));
  for (const step of scalePlan(deployment, sortOut(deployment, sets))) {
    if (step.kind === "update-replica-set" && step.scale) sizes.set(step.set.metadata.name, step.scale.to);
  }
  return [...sizes.values()];
}

interface Case {
  readonly from: number;
  readonly to: number;
  /** The new one first, then the old ones from the youngest. */
  readonly sizes: readonly number[];
  readonly expected: readonly number[];
  readonly surgeBefore?: number;
  readonly surge?: number;
}

const cases: readonly Case[] = [
  { from: 10, to: 12, sizes: [10], expected: [12] },
  { from: 10, to: 5, sizes: [10], expected: [5] },
  { from: 5, to: 10, sizes: [2, 3], expected: [4, 6] },
  { from: 5, to: 3, sizes: [2, 3], expected: [1, 2] },
  { from: 9, to: 4, sizes: [8, 1], expected: [4, 0] },
  { from: 7, to: 10, sizes: [2, 3, 2], expected: [3, 4, 3] },
  { from: 13, to: 8, sizes: [2, 8, 3], expected: [1, 5, 2] },
  { from: 3, to: 4, sizes: [1, 1, 1], expected: [2, 1, 1] },
  { from: 6, to: 0, sizes: [3, 2, 1], expected: [0, 0, 0] },
  { from: 0, to: 6, sizes: [0, 0, 0], expected: [6, 0, 0] },
  { from: 10, to: 50, surgeBefore: 3, surge: 6, sizes: [5, 8], expected: [22, 34] },
  { from: 10, to: 20, sizes: [5], expected: [20] },
  { from: 5, to: 5, surgeBefore: 2, surge: 2, sizes: [4, 3], expected: [4, 3] },
];

describe("scaling", () => {
  it.each(cases)(
    "$from to $to with $sizes gives $expected",
    ({ from, to, sizes, expected, surgeBefore = 0, surge = 0 }) => {
      const told = { desired: from, max: from + surgeBefore };
      const [fresh, ...old] = sizes;
      const sets = [newest(fresh!, told), ...old.map((size, i) => setOf(`v${old.length - i}`, size, told))];
      const deployment = deploymentOf({ replicas: to, surge, unavailable: 1 });
      expect(sizesAfter(deployment, sets)).toEqual(expected);
      const active = sizes.some((size) => size > 0);
      expect(isScaling(deployment, sortOut(deployment, sets))).toBe(active && from !== to);
    },
  );

  it("takes the sizes as they are where nobody noted the deployment's", () => {
    const deployment = deploymentOf({ replicas: 10, unavailable: 1, status: { replicas: 5 } });
    expect(sizesAfter(deployment, [newest(2), setOf("v1", 3)])).toEqual([4, 6]);
    expect(sizesAfter(deploymentOf({ replicas: 10, unavailable: 1 }), [newest(2), setOf("v1", 3)])).toEqual([2, 8]);
  });

  it("empties the old ones where the new one is saturated", () => {
    const deployment = deploymentOf({ replicas: 5, unavailable: 1 });
    expect(sizesAfter(deployment, [newest(5, { desired: 5, max: 5 }), setOf("v1", 3)])).toEqual([5, 0]);
  });

  it("leaves a recreation alone until it is done", () => {
    const deployment = deploymentOf({ replicas: 8, strategy: { type: "Recreate" } });
    expect(sizesAfter(deployment, [newest(2, { desired: 5 }), setOf("v1", 3)])).toEqual([2, 3]);
  });

  it("notes the new size on all that have pods", () => {
    const deployment = deploymentOf({ replicas: 10, surge: 2 });
    const steps = scalePlan(
      deployment,
      sortOut(deployment, [newest(2, { desired: 5, max: 5 }), setOf("v1", 3, { desired: 5, max: 5 })]),
    );
    expect(steps).toHaveLength(2);
    for (const step of steps) {
      expect(step).toMatchObject({
        annotations: {
          "deployment.kubernetes.io/desired-replicas": "10",
          "deployment.kubernetes.io/max-replicas": "12",
        },
      });
    }
  });
});

describe("what a rollout may have too many and too few", () => {
  it.each([
    [10, "25%", "25%", 3, 2],
    [1, "25%", "25%", 1, 0],
    [2, 0, "1%", 0, 1],
    [4, "0%", "10%", 0, 1],
    [5, 1, 20, 1, 5],
    [0, 2, 2, 2, 0],
    [100, "7%", "7%", 7, 7],
  ])("of %d with surge %s and unavailable %s are %d and %d", (replicas, surge, unavailable, many, few) => {
    const deployment = deploymentOf({ replicas, surge, unavailable });
    expect([maxSurge(deployment), maxUnavailable(deployment)]).toEqual([many, few]);
  });
});
