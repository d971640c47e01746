/** Which pods go first: the rules in their order, each against the one behind it. */
import { describe, expect, it } from "vitest";
import { rankForDeletion } from "../../../../../src/controlplane/controllers/pods/ranking.ts";
import { nowMs, podOf, type PodShape } from "../../../../fixtures/workloads.ts";

const minute = 60_000;
const cost = (value: string) => ({ "controller.kubernetes.io/pod-deletion-cost": value });
const ready: PodShape = { node: "n", readyMs: nowMs - minute };

/** The first goes before the second, whatever all rules behind say. */
const rules: readonly (readonly [string, PodShape, PodShape])[] = [
  ["without a node", { phase: "Running" }, { node: "n", phase: "Pending" }],
  ["pending before unknown", { node: "n", phase: "Pending", readyMs: nowMs }, { node: "n", phase: "Unknown" }],
  ["unknown before running", { node: "n", phase: "Unknown", readyMs: nowMs }, { node: "n" }],
  ["not ready", { node: "n", annotations: cost("10") }, { ...ready, annotations: cost("-10") }],
  ["cheaper", { ...ready, annotations: cost("-1") }, { ...ready, restarts: 9 }],
  ["ready for shorter", { ...ready, readyMs: nowMs - minute }, { ...ready, readyMs: nowMs - 10 * minute, restarts: 9 }],
  ["more restarts", { ...ready, restarts: 2, createdMs: nowMs - 99 * minute }, { ...ready, restarts: 1 }],
  ["younger", { ...ready, createdMs: nowMs - minute }, { ...ready, createdMs: nowMs - 10 * minute }],
  [
    "about as old: by uid",
    { ...ready, uid: "a", createdMs: nowMs - 10 * minute },
    { ...ready, uid: "b", createdMs: nowMs - 9.9 * minute },
  ],
  ["a cost that is no number is none", { ...ready, annotations: cost("-1") }, { ...ready, annotations: cost("-5.0") }],
];

describe("pods that go first", () => {
  it.each(rules)("%s", (_, first, second) => {
    const [a, b] = [podOf(first), podOf(second)];
    expect(rankForDeletion([b, a], [], nowMs)).toEqual([a, b]);
    expect(rankForDeletion([a, b], [], nowMs)).toEqual([a, b]);
  });

  it("are where more related pods are", () => {
    const [alone, crowded] = [podOf({ ...ready, node: "x" }), podOf({ ...ready, node: "y", restarts: 9 })];
    const related = [alone, crowded, podOf({ node: "y" })];
    expect(rankForDeletion([alone, crowded], related, nowMs)[0]).toBe(crowded);
    const ended = podOf({ node: "x", phase: "Failed" });
    expect(rankForDeletion([alone, crowded], [...related, ended, ended], nowMs)[0]).toBe(crowded);
  });

  it("are those whose sidecars restarted, where the others did not", () => {
    const calm = podOf(ready);
    const sidecar = { name: "s", image: "s", restartPolicy: "Always" };
    const broken = podOf({ ...ready, spec: { initContainers: [sidecar] } });
    const status = { name: "s", image: "s", imageID: "", ready: true, restartCount: 3 };
    const pod = { ...broken, status: { ...broken.status, initContainerStatuses: [status] } };
    expect(rankForDeletion([calm, pod], [], nowMs)[0]).toBe(pod);
  });
});
