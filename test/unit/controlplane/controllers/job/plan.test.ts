/** What upstream's tests of the Job controller check (pkg/controller/job/job_controller_test.go). */
import { describe, expect, it } from "vitest";
import { start, World } from "./world.ts";

describe("a Job", () => {
  it("runs its pods, counts them and is complete", () => {
    const world = new World({ completions: 3, parallelism: 2 });
    const first = world.sync();
    expect(first.steps).toMatchObject([{ kind: "create-pods", pods: { length: 2 } }]);
    expect(world.status).toEqual({
      active: 2,
      ready: 0,
      terminating: 0,
      startTime: "2026-01-01T00:00:00Z",
      uncountedTerminatedPods: {},
    });
    world.change(world.active[0]!, { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
    world.end(world.active[1]!, "Succeeded");
    const counting = world.sync();
    expect(counting.release).toHaveLength(1);
    expect(world.status).toMatchObject({ active: 2, ready: 1, uncountedTerminatedPods: { succeeded: ["work-2"] } });
    expect(world.status).not.toHaveProperty("succeeded");
    world.settle();
    expect(world.status).toMatchObject({ active: 2, succeeded: 1, uncountedTerminatedPods: {} });
    world.nowMs += 5000;
    for (const pod of world.active) world.end(pod, "Succeeded");
    world.settle();
    expect(world.status).toMatchObject({ succeeded: 3, ready: 0, completionTime: "2026-01-01T00:00:05Z" });
    expect(world.status).not.toHaveProperty("active");
    expect(world.status.conditions).toMatchObject([
      {
        type: "SuccessCriteriaMet",
        reason: "CompletionsReached",
        message: "Reached expected number of succeeded pods",
      },
      { type: "Complete", status: "True", reason: "CompletionsReached", lastTransitionTime: "2026-01-01T00:00:05Z" },
    ]);
    expect(world.said).toEqual(["Normal Completed Job completed"]);
    expect(world.pods.every(({ metadata }) => metadata.finalizers!.length === 0)).toBe(true);
  });

  it("makes pods that it holds by its finalizer", () => {
    const [step] = new World().sync().steps;
    expect(step).toMatchObject({
      pods: [
        {
          metadata: {
            generateName: "work-",
            finalizers: ["batch.kubernetes.io/job-tracking"],
            ownerReferences: [{ kind: "Job", apiVersion: "batch/v1", name: "work", controller: true }],
          },
        },
      ],
    });
  });

  it("without completions is complete when one has succeeded and none runs", () => {
    const world = new World({ completions: undefined, parallelism: 3 } as object);
    world.settle();
    const [one, two, three] = world.active;
    world.end(one!, "Succeeded");
    world.settle();
    expect(world.active).toHaveLength(2);
    expect(world.outcome).toBeUndefined();
    world.end(two!, "Failed");
    world.end(three!, "Succeeded");
    world.settle();
    expect(world.outcome).toBe("Complete: CompletionsReached");
    expect(world.status).toMatchObject({ succeeded: 2, failed: 1 });
  });

  it("of no completions is complete at once", () => {
    const world = new World({ completions: 0 });
    world.settle();
    expect(world.outcome).toBe("Complete: CompletionsReached");
    expect(world.pods).toEqual([]);
  });

  it("follows its parallelism", () => {
    const world = new World({ completions: 10, parallelism: 4 });
    world.settle();
    world.job = { ...world.job, spec: { ...world.job.spec, parallelism: 1 } };
    world.settle();
    expect(world.active).toHaveLength(1);
    expect(world.status).toMatchObject({ active: 1, terminating: 3 });
    world.reap();
    world.settle();
    expect(world.status).toMatchObject({ active: 1, terminating: 0 });
    // Pods that it took away itself are no failures.
    expect(world.status).not.toHaveProperty("failed");
    world.job = { ...world.job, spec: { ...world.job.spec, parallelism: 0 } };
    world.settle();
    expect(world.active).toHaveLength(0);
    expect(world.outcome).toBeUndefined();
  });

  it("counts a pod once though its status or finalizer could not be written", () => {
    const world = new World({ completions: 2, parallelism: 1 });
    world.settle();
    const [pod] = world.active;
    world.end(pod!, "Succeeded");
    const before = world.pods;
    world.sync();
    // The finalizer stays: the patch did not come through.
    world.pods = before;
    world.sync();
    expect(world.status.uncountedTerminatedPods).toEqual({ succeeded: ["work-1"] });
    world.settle();
    expect(world.status).toMatchObject({ succeeded: 1, uncountedTerminatedPods: {} });
  });

  it("counts what is deleted by somebody as failed, and replaces it", () => {
    const world = new World();
    world.settle();
    world.remove(world.active[0]!);
    world.sync();
    expect(world.status.uncountedTerminatedPods).toEqual({ failed: ["work-1"] });
    world.reap();
    world.nowMs += 10_001;
    world.settle();
    expect(world.status).toMatchObject({ failed: 1, active: 1 });
  });

  it("that is finished lets its pods go and does nothing else", () => {
    const world = new World();
    world.settle();
    world.end(world.active[0]!, "Succeeded");
    world.settle();
    const again = world.sync();
    expect(again).toMatchObject({ steps: [], release: [], events: [] });
    expect(again.status).toBeUndefined();
  });

  it("that is being deleted makes no pods, and lets the ones that it has go", () => {
    const world = new World({ completions: 2, parallelism: 2 });
    world.settle();
    world.job = { ...world.job, metadata: { ...world.job.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(world.sync()).toMatchObject({ steps: [], release: { length: 2 } });
  });
});

describe("failing pods", () => {
  const fail = (world: World): void => world.end(world.active[0]!, "Failed");

  it("are replaced after 10 s, 20 s, 40 s, …, up to 10 minutes", () => {
    const world = new World({ backoffLimit: 20 });
    world.settle();
    for (const seconds of [10, 20, 40, 80, 160, 320, 600, 600]) {
      fail(world);
      expect(world.sync().againAfterMs).toBe(seconds * 1000);
      world.settle();
      expect(world.active).toHaveLength(0);
      world.nowMs += seconds * 1000 - 1000;
      world.settle();
      expect(world.active).toHaveLength(0);
      world.nowMs += 1000;
      world.settle();
      expect(world.active).toHaveLength(1);
    }
  });

  it("are replaced at once again after a success", () => {
    const world = new World({ completions: 3, parallelism: 1 });
    world.settle();
    fail(world);
    world.settle();
    world.nowMs += 20_000;
    world.settle();
    world.end(world.active[0]!, "Succeeded");
    world.settle();
    expect(world.active).toHaveLength(1);
    fail(world);
    expect(world.sync().againAfterMs).toBe(10_000);
  });

  it.each([
    [0, 1],
    [2, 3],
  ])("fail the Job beyond backoffLimit %i", (backoffLimit, failures) => {
    const world = new World({ backoffLimit, completions: 5, parallelism: 2 });
    world.settle();
    for (let i = 0; i < failures; i++) {
      expect(world.outcome).toBeUndefined();
      fail(world);
      world.settle();
      world.nowMs += 3_600_000;
      world.settle();
    }
    world.reap();
    world.settle();
    expect(world.outcome).toBe("Failed: BackoffLimitExceeded");
    expect(world.status.conditions!.map(({ type }) => type)).toEqual(["FailureTarget", "Failed"]);
    expect(world.said).toEqual(["Warning BackoffLimitExceeded Job has reached the specified backoff limit"]);
    // The one that ran beside it was ended, and has failed with the Job.
    expect(world.status).toMatchObject({ failed: failures + 1, terminating: 0 });
    expect(world.active).toEqual([]);
  });

  it("delay the end until those that terminate are gone", () => {
    const world = new World({ backoffLimit: 0, completions: 2, parallelism: 2 });
    world.settle();
    fail(world);
    world.settle();
    expect(world.status).toMatchObject({ terminating: 1, failed: 2 });
    expect(world.status.conditions!.map(({ type }) => type)).toEqual(["FailureTarget"]);
    world.reap();
    world.settle();
    expect(world.outcome).toBe("Failed: BackoffLimitExceeded");
  });

  it("restarted in place fail the Job by their restarts", () => {
    const template = { spec: { restartPolicy: "OnFailure", containers: [{ name: "main" }] } };
    const world = new World({ backoffLimit: 2, template });
    world.settle();
    const restarted = (restartCount: number) => ({ containerStatuses: [{ name: "main", restartCount }] as never });
    world.change(world.active[0]!, restarted(1));
    world.settle();
    expect(world.status.conditions).toBeUndefined();
    world.change(world.active[0]!, restarted(2));
    world.settle();
    expect(world.status.conditions).toMatchObject([{ type: "FailureTarget", reason: "BackoffLimitExceeded" }]);
  });

  it("are replaced when they have ended, by podReplacementPolicy Failed", () => {
    const world = new World({ podReplacementPolicy: "Failed" });
    world.settle();
    const [pod] = world.active;
    world.remove(pod!);
    world.settle();
    expect(world.active).toEqual([]);
    expect(world.status).toMatchObject({ terminating: 1 });
    expect(world.status).not.toHaveProperty("failed");
    world.end(pod!, "Failed");
    world.settle();
    world.reap();
    world.nowMs += 11_000;
    world.settle();
    expect(world.active).toHaveLength(1);
    expect(world.status).toMatchObject({ failed: 1, active: 1, terminating: 0 });
  });
});

describe("podFailurePolicy", () => {
  const policy = (action: string, rest: object) => ({ rules: [{ action, ...rest }] });
  const exit = { onExitCodes: { operator: "In", values: [42] } };
  const disrupted = { onPodConditions: [{ type: "DisruptionTarget", status: "True" }] };

  function after(podFailurePolicy: object, exitCode: number, conditions: object[] = []): World {
    const world = new World({ podFailurePolicy, podReplacementPolicy: "Failed" } as never);
    world.settle();
    world.change(world.active[0]!, { conditions: conditions as never });
    world.end(world.active[0]!, "Failed", exitCode);
    world.settle();
    return world;
  }

  it("fails the Job by an exit code", () => {
    const world = after(policy("FailJob", exit), 42);
    const message = "Container main for pod ns/work-1 failed with exit code 42 matching FailJob rule at index 0";
    expect(world.outcome).toBe("Failed: PodFailurePolicy");
    expect(world.said).toEqual([`Warning PodFailurePolicy ${message}`]);
  });

  it("fails the Job by a condition", () => {
    const world = after(policy("FailJob", disrupted), 1, [{ type: "DisruptionTarget", status: "True" }]);
    const message = "Pod ns/work-1 has condition DisruptionTarget matching FailJob rule at index 0";
    expect(world.said).toEqual([`Warning PodFailurePolicy ${message}`]);
  });

  it("counts no failure that is ignored", () => {
    const world = after(policy("Ignore", disrupted), 1, [{ type: "DisruptionTarget", status: "True" }]);
    expect(world.outcome).toBeUndefined();
    expect(world.status).not.toHaveProperty("failed");
    expect(world.pods[0]!.metadata.finalizers).toEqual([]);
  });

  it.each([
    ["another code", policy("FailJob", exit), 1],
    ["a code that is not among them", policy("FailJob", { onExitCodes: { operator: "NotIn", values: [7] } }), 7],
    ["another container", policy("FailJob", { onExitCodes: { ...exit.onExitCodes, containerName: "side" } }), 42],
    ["a rule that counts", policy("Count", exit), 42],
  ])("counts a failure with %s", (_, rules, code) => {
    const world = after(rules, code);
    expect(world.outcome).toBeUndefined();
    expect(world.status.failed).toBe(1);
  });
});

describe("deadlines and suspension", () => {
  it("fails the Job past activeDeadlineSeconds", () => {
    const world = new World({ activeDeadlineSeconds: 30 });
    expect(world.sync().againAfterMs).toBe(30_000);
    world.nowMs += 30_000;
    world.settle();
    world.reap();
    world.settle();
    expect(world.outcome).toBe("Failed: DeadlineExceeded");
    expect(world.said).toEqual(["Warning DeadlineExceeded Job was active longer than specified deadline"]);
  });

  it("suspends and resumes", () => {
    const world = new World({ activeDeadlineSeconds: 30 });
    world.settle();
    world.job = { ...world.job, spec: { ...world.job.spec, suspend: true } };
    world.settle();
    expect(world.active).toEqual([]);
    expect(world.status.conditions).toMatchObject([
      { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" },
    ]);
    world.reap();
    world.nowMs += 3_600_000;
    world.settle();
    expect(world.outcome).toBeUndefined();
    expect(world.status).not.toHaveProperty("failed");
    world.job = { ...world.job, spec: { ...world.job.spec, suspend: false } };
    world.sync();
    // The deadline counts from here.
    expect(world.status.startTime).toBe("2026-01-01T01:00:00Z");
    expect(world.status.conditions).toMatchObject([{ type: "Suspended", status: "False", reason: "JobResumed" }]);
    world.settle();
    expect(world.active).toHaveLength(1);
    expect(world.said).toEqual(["Normal Suspended Job suspended", "Normal Resumed Job resumed"]);
  });

  it("has no start time while it is made suspended", () => {
    const world = new World({ suspend: true });
    world.settle();
    expect(world.status).not.toHaveProperty("startTime");
    expect(world.pods).toEqual([]);
  });
});

describe("large Jobs", () => {
  it("make, and count, 500 pods at a time", () => {
    const world = new World({ completions: 1200, parallelism: 1200 });
    expect(world.sync().steps).toMatchObject([{ pods: { length: 500 } }]);
    world.settle();
    expect(world.active).toHaveLength(1200);
    for (const pod of world.active) world.end(pod, "Succeeded");
    expect(world.sync().release).toHaveLength(500);
    expect(world.outcome).toBeUndefined();
    world.settle();
    expect(world.status.succeeded).toBe(1200);
    expect(world.outcome).toBe("Complete: CompletionsReached");
    expect(world.nowMs).toBe(start);
  });
});
