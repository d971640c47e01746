/** What the plan of an indexed Job does: a pod for each index, and what becomes of those that fail. */
import { describe, expect, it } from "vitest";
import { failureCountAnnotation } from "../../../../../src/controlplane/controllers/job/job_pods.ts";
import type { Job } from "../../../../../src/model/kubernetes.ts";
import { World } from "./world.ts";

const indexed = (completions: number, spec: Partial<Job["spec"]> = {}) =>
  new World({ completionMode: "Indexed", completions, parallelism: completions, ...spec });

describe("an indexed Job", () => {
  it("gives each pod its index", () => {
    const world = indexed(2);
    const [step] = world.sync().steps;
    const key = "batch.kubernetes.io/job-completion-index";
    expect(step).toMatchObject({
      pods: [
        {
          metadata: { generateName: "work-0-", annotations: { [key]: "0" }, labels: { [key]: "0" } },
          spec: {
            hostname: "work-0",
            containers: [
              {
                env: [
                  {
                    name: "JOB_COMPLETION_INDEX",
                    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${key}']` } },
                  },
                ],
              },
            ],
          },
        },
        { metadata: { generateName: "work-1-" } },
      ],
    });
  });

  it("says which indexes have succeeded, and makes the others anew", () => {
    const world = indexed(6);
    world.settle();
    for (const index of [0, 2, 3, 4]) world.end(world.indexed(index), "Succeeded");
    world.settle();
    expect(world.status).toMatchObject({ succeeded: 4, completedIndexes: "0,2-4", active: 2 });
    world.end(world.indexed(1), "Failed");
    world.settle();
    world.nowMs += 11_000;
    world.settle();
    expect(world.active.map((pod) => pod.spec.hostname).sort()).toEqual(["work-1", "work-5"]);
    for (const index of [1, 5]) world.end(world.indexed(index), "Succeeded");
    world.settle();
    expect(world.status).toMatchObject({ succeeded: 6, completedIndexes: "0-5", failed: 1 });
    expect(world.outcome).toBe("Complete: CompletionsReached");
  });

  it("counts two successes of an index once, and removes what has no index of it", () => {
    const world = indexed(2);
    world.settle();
    const [pod] = world.active;
    world.pods.push({ ...pod!, metadata: { ...pod!.metadata, name: "twin", uid: "twin" } });
    world.pods.push({ ...pod!, metadata: { ...pod!.metadata, name: "lost", uid: "lost", annotations: {} } });
    const { steps } = world.sync();
    expect(steps).toMatchObject([{ kind: "delete-pods", pods: { length: 2 } }]);
    world.reap();
    world.settle();
    expect(world.active.map((one) => one.spec.hostname).sort()).toEqual(["work-0", "work-1"]);
  });

  it("is elastic: fewer completions leave the higher indexes out", () => {
    const world = indexed(4);
    world.settle();
    world.end(world.indexed(3), "Succeeded");
    world.settle();
    expect(world.status).toMatchObject({ succeeded: 1, completedIndexes: "3" });
    world.job = { ...world.job, spec: { ...world.job.spec, completions: 2, parallelism: 2 } };
    world.settle();
    world.reap();
    world.settle();
    expect(world.status).toMatchObject({ active: 2 });
    expect(world.status).not.toHaveProperty("succeeded");
    expect(world.status).not.toHaveProperty("completedIndexes");
  });

  it("fails single indexes by backoffLimitPerIndex", () => {
    const world = indexed(3, { backoffLimitPerIndex: 1, backoffLimit: 2 ** 31 - 1 });
    world.settle();
    expect(world.indexed(0).metadata.annotations![failureCountAnnotation]).toBe("0");
    world.end(world.indexed(0), "Failed");
    // It stays until its replacement has taken over the count.
    expect(world.sync()).toMatchObject({ againAfterMs: 10_000, release: [] });
    world.nowMs += 10_001;
    world.sync();
    expect(world.indexed(0).metadata.annotations![failureCountAnnotation]).toBe("1");
    world.settle();
    expect(world.status).toMatchObject({ failed: 1, active: 3, failedIndexes: "" });
    world.end(world.indexed(0), "Failed");
    world.settle();
    expect(world.status).toMatchObject({ failed: 2, active: 2, failedIndexes: "0" });
    for (const index of [1, 2]) world.end(world.indexed(index), "Succeeded");
    world.settle();
    expect(world.outcome).toBe("Failed: FailedIndexes");
    expect(world.status).toMatchObject({ failedIndexes: "0", completedIndexes: "1,2" });
    expect(world.said).toEqual(["Warning FailedIndexes Job has failed indexes"]);
  });

  it("fails beyond maxFailedIndexes", () => {
    const world = indexed(4, { backoffLimitPerIndex: 0, maxFailedIndexes: 1, backoffLimit: 2 ** 31 - 1 });
    world.settle();
    for (const index of [0, 2]) world.end(world.indexed(index), "Failed");
    world.settle();
    world.reap();
    world.settle();
    expect(world.outcome).toBe("Failed: MaxFailedIndexesExceeded");
    expect(world.status.failedIndexes).toBe("0,2");
  });

  it("fails an index by the policy's FailIndex", () => {
    const podFailurePolicy = { rules: [{ action: "FailIndex", onExitCodes: { operator: "In", values: [9] } }] };
    const world = indexed(2, { backoffLimitPerIndex: 5, backoffLimit: 2 ** 31 - 1, podFailurePolicy });
    world.settle();
    world.end(world.indexed(1), "Failed", 9);
    world.settle();
    expect(world.status).toMatchObject({ failedIndexes: "1", active: 1 });
  });

  it.each([
    ["a number of any", [{ succeededCount: 2 }], [1, 3], "Matched rules at index 0"],
    ["indexes", [{ succeededIndexes: "0,2-3" }], [0, 2, 3], "Matched rules at index 0"],
    [
      "a number of some",
      [{ succeededIndexes: "9" }, { succeededIndexes: "0-2", succeededCount: 1 }],
      [2],
      "Matched rules at index 1",
    ],
  ])("has succeeded early by the successPolicy's %s", (_, rules, done, message) => {
    const world = indexed(4, { successPolicy: { rules } });
    world.settle();
    for (const index of done) {
      expect(world.status.conditions).toBeUndefined();
      world.end(world.indexed(index), "Succeeded");
      world.settle();
    }
    expect(world.status.conditions).toMatchObject([{ type: "SuccessCriteriaMet", reason: "SuccessPolicy", message }]);
    expect(world.active).toEqual([]);
    world.reap();
    world.settle();
    expect(world.outcome).toBe("Complete: SuccessPolicy");
    expect(world.status).toMatchObject({ succeeded: done.length });
    expect(world.status).not.toHaveProperty("failed");
  });
});
