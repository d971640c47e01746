/** What a set does about its pods, and what its status says of them. */
import { describe, expect, it } from "vitest";
import { plan, type Step } from "../../../../../src/controlplane/controllers/replica_set/plan.ts";
import type { Replicas } from "../../../../../src/controlplane/controllers/replica_set/replicas.ts";
import { sameStatus, statusOf } from "../../../../../src/controlplane/controllers/replica_set/status.ts";
import { at, nowMs, podOf, template } from "../../../../fixtures/workloads.ts";

function setOf(spec: Partial<Replicas["spec"]>, rest: Partial<Replicas> = {}): Replicas {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "set",
      resourceVersion: "1",
      generation: 3,
      creationTimestamp: at(nowMs),
    },
    spec: { replicas: 2, template: template({ app: "web" }), ...spec },
    ...rest,
  };
}

const ready = (ageMs = 60_000) => podOf({ node: "n", readyMs: nowMs - ageMs, labels: { app: "web" } });
const many = (count: number) => Array.from({ length: count }, () => ready());
const brief = (steps: readonly Step[]) =>
  steps.map((step) => (step.kind === "create-pods" ? `+${step.count}` : `-${step.pods.length}`));

describe("the plan", () => {
  it.each([
    ["enough", 2, 2, []],
    ["too few", 2, 0, ["+2"]],
    ["far too few", 900, 10, ["+500"]],
    ["too many", 2, 5, ["-3"]],
    ["far too many", 0, 600, ["-500"]],
    ["none wanted", 0, 2, ["-2"]],
  ])("%s: %d wanted, %d there: %j", (_, replicas, there, expected) => {
    expect(brief(plan({ set: setOf({ replicas }), pods: many(there), related: [] }, nowMs).steps)).toEqual(expected);
  });

  it("takes those first that are worth least", () => {
    const pods = [ready(), podOf({ node: "n" }), ready()];
    expect(plan({ set: setOf({}), pods, related: pods }, nowMs).steps).toEqual([
      { kind: "delete-pods", pods: [pods[1]] },
    ]);
  });

  it("leaves the pods of a set that is being deleted to the garbage collector", () => {
    const set = setOf({ replicas: 5 });
    const leaving = { ...set, metadata: { ...set.metadata, deletionTimestamp: at(nowMs) } };
    expect(plan({ set: leaving, pods: [], related: [] }, nowMs).steps).toEqual([]);
  });

  it("comes again when the next pod has been ready for long enough", () => {
    const set = setOf({ minReadySeconds: 30 });
    expect(plan({ set, pods: [ready(10_000), ready(25_000)], related: [] }, nowMs)).toEqual({
      steps: [],
      againAfterMs: 5000,
    });
    expect(plan({ set, pods: many(2), related: [] }, nowMs)).toEqual({ steps: [] });
  });
});

describe("the status", () => {
  it("counts", () => {
    const set = setOf({ minReadySeconds: 30 });
    const pods = [
      ready(),
      ready(10_000),
      podOf({ labels: { app: "web", more: "1" } }),
      podOf({ labels: { other: "1" } }),
    ];
    expect(statusOf(set, { pods, terminating: 1 }, nowMs)).toEqual({
      replicas: 4,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 3,
    });
  });

  const refused = new Error('pods "web-" is forbidden: exceeded quota');
  const failure = {
    type: "ReplicaFailure",
    status: "True",
    lastTransitionTime: at(nowMs),
    reason: "FailedCreate",
    message: refused.message,
  };

  it("tells of pods that cannot be made, once, until they can", () => {
    const first = statusOf(setOf({}), { pods: [], terminating: 0, error: refused }, nowMs);
    expect(first.conditions).toEqual([failure]);
    const again = setOf({}, { status: first });
    const error = new Error("something else");
    expect(statusOf(again, { pods: [], terminating: 0, error }, nowMs + 5000).conditions).toEqual([failure]);
    expect(statusOf(again, { pods: [], terminating: 0 }, nowMs).conditions).toBeUndefined();
    const tooMany = statusOf(setOf({ replicas: 0 }), { pods: many(1), terminating: 0, error: refused }, nowMs);
    expect(tooMany.conditions?.[0]?.reason).toBe("FailedDelete");
  });

  it("is written only where it says something new", () => {
    const status = statusOf(setOf({}), { pods: many(1), terminating: 0 }, nowMs);
    expect(sameStatus(status, status)).toBe(true);
    expect(sameStatus(undefined, status)).toBe(false);
    for (const field of ["replicas", "readyReplicas", "observedGeneration", "terminatingReplicas"] as const) {
      expect(sameStatus({ ...status, [field]: 9 }, status)).toBe(false);
    }
    expect(sameStatus({ ...status, conditions: [failure] }, status)).toBe(false);
    const zeros = statusOf(setOf({}), { pods: [], terminating: undefined }, nowMs);
    expect(sameStatus({ replicas: 0, observedGeneration: 3 }, zeros)).toBe(true);
  });
});
