/** What a deployment's status says of its rollout (the cases of upstream's progress_test.go among them). */
import { describe, expect, it } from "vitest";
import { plan } from "../../../../../src/controlplane/controllers/deployment/plan.ts";
import type { ReplicaSet } from "../../../../../src/model/kubernetes.ts";
import { at, nowMs } from "../../../../fixtures/workloads.ts";
import { deploymentOf, minute, newest, setOf, type DeploymentShape } from "./shapes.ts";

type Status = NonNullable<DeploymentShape["status"]>;

const planned = (shape: DeploymentShape, sets: readonly ReplicaSet[]) =>
  plan(
    {
      deployment: deploymentOf({ progressDeadlineSeconds: 600, unavailable: 1, ...shape }),
      replicaSets: sets,
      pods: new Map(),
    },
    nowMs,
  );

const condition = (type: string, status: string, reason: string, agoMs = minute) => ({
  type,
  status,
  reason,
  message: "",
  lastUpdateTime: at(nowMs - agoMs),
  lastTransitionTime: at(nowMs - agoMs),
});
const available = condition("Available", "True", "MinimumReplicasAvailable");
const progressing = (reason: string, agoMs?: number, status = "True") =>
  condition("Progressing", status, reason, agoMs);

const counted: Status = {
  observedGeneration: 1,
  replicas: 10,
  updatedReplicas: 4,
  readyReplicas: 9,
  availableReplicas: 9,
  unavailableReplicas: 1,
  terminatingReplicas: 0,
  conditions: [available],
};
/** Of that status. */
const halfway = [setOf("v1", 6, { available: 5 }), newest(4)];
const progress = (status: Status) => status.conditions?.find(({ type }) => type === "Progressing");

describe("counts", () => {
  it("are the ReplicaSets' together", () => {
    expect(
      planned({}, [setOf("v1", 6, { available: 4, replicas: 7 }), newest(4, { available: 1 })]).status,
    ).toMatchObject({
      observedGeneration: 1,
      replicas: 11,
      updatedReplicas: 4,
      readyReplicas: 5,
      availableReplicas: 5,
      unavailableReplicas: 5,
      terminatingReplicas: 0,
      conditions: [
        { type: "Available", status: "False", reason: "MinimumReplicasUnavailable" },
        { type: "Progressing" },
      ],
    });
  });

  it("know of those that end where all ReplicaSets say", () => {
    const sets = [{ ...newest(10), status: { replicas: 10, observedGeneration: 1, terminatingReplicas: 2 } }];
    expect(planned({}, sets).status.terminatingReplicas).toBe(2);
    const silent = [...sets, { ...setOf("v1", 0), status: { replicas: 0, observedGeneration: 1 } }];
    expect(planned({}, silent).status.terminatingReplicas).toBeUndefined();
  });

  it("say that enough is available from maxUnavailable on", () => {
    const is = (count: number) =>
      planned({}, [newest(10, { available: count })]).status.conditions?.find(({ type }) => type === "Available");
    expect(is(8)).toMatchObject({ status: "False", message: "Deployment does not have minimum availability." });
    expect(is(9)).toMatchObject({
      status: "True",
      reason: "MinimumReplicasAvailable",
      message: "Deployment has minimum availability.",
    });
  });
});

describe("progress", () => {
  it("begins with the ReplicaSet that is made, or found", () => {
    const made = planned({}, []);
    expect(progress(made.status)).toMatchObject({
      status: "True",
      reason: "NewReplicaSetCreated",
      lastUpdateTime: at(nowMs),
    });
    expect(progress(made.status)?.message).toMatch(/^Created new replica set "web-[a-z0-9]+"$/);
    const found = planned({ status: { ...counted, conditions: [available] } }, halfway);
    expect(progress(found.status)).toMatchObject({
      reason: "FoundNewReplicaSet",
      message: 'Found new replica set "new"',
    });
  });

  it.each<[string, Partial<Status>]>([
    ["more of the new", { updatedReplicas: 3 }],
    ["fewer of the old", { replicas: 11 }],
    ["more that are ready", { readyReplicas: 8 }],
    ["more that are available", { availableReplicas: 8 }],
  ])("is seen by %s", (_, before) => {
    const status = { ...counted, ...before, conditions: [available, progressing("ReplicaSetUpdated", 5 * minute)] };
    expect(progress(planned({ status }, halfway).status)).toMatchObject({
      status: "True",
      reason: "ReplicaSetUpdated",
      message: 'ReplicaSet "new" is progressing.',
      lastUpdateTime: at(nowMs),
      lastTransitionTime: at(nowMs - 5 * minute),
    });
  });

  const stuck = (agoMs: number, reason = "ReplicaSetUpdated") =>
    planned({ status: { ...counted, conditions: [available, progressing(reason, agoMs)] } }, halfway);

  it("is waited for until the deadline", () => {
    expect(progress(stuck(9 * minute).status)).toMatchObject({
      reason: "ReplicaSetUpdated",
      lastUpdateTime: at(nowMs - 9 * minute),
    });
    expect(progress(stuck(11 * minute).status)).toMatchObject({
      status: "False",
      reason: "ProgressDeadlineExceeded",
      message: 'ReplicaSet "new" has timed out progressing.',
    });
  });

  it("is looked for again when the deadline has passed", () => {
    const status = { ...counted, conditions: [progressing("ReplicaSetUpdated", 9 * minute), available] };
    expect(planned({ status }, halfway).againAfterMs).toBe(minute + 1000);
    expect(planned({ status, progressDeadlineSeconds: 2 ** 31 - 1 }, halfway).againAfterMs).toBeUndefined();
    const late = { ...counted, conditions: [progressing("ProgressDeadlineExceeded", 20 * minute, "False"), available] };
    expect(planned({ status: late }, halfway).againAfterMs).toBeUndefined();
  });

  it("is over when all are new and available", () => {
    const status = { ...counted, conditions: [available, progressing("ReplicaSetUpdated")] };
    const done = planned({ status }, [setOf("v1", 0), newest(10)]).status;
    expect(progress(done)).toMatchObject({
      status: "True",
      reason: "NewReplicaSetAvailable",
      message: 'ReplicaSet "new" has successfully progressed.',
    });
    expect(progress(done)?.lastTransitionTime).toBe(at(nowMs - minute));
  });

  it("is not asked for of pods that fail after the rollout", () => {
    const before: Status = {
      ...counted,
      updatedReplicas: 10,
      conditions: [available, progressing("NewReplicaSetAvailable", 60 * minute)],
    };
    const after = planned({ status: before }, [newest(10, { available: 3 })]).status;
    expect(progress(after)).toMatchObject({
      reason: "NewReplicaSetAvailable",
      lastUpdateTime: at(nowMs - 60 * minute),
    });
  });

  it("is nobody's business without a deadline", () => {
    const status = { ...counted, conditions: [available, progressing("ReplicaSetUpdated", 60 * minute)] };
    expect(progress(planned({ status, progressDeadlineSeconds: 2 ** 31 - 1 }, halfway).status)).toBeUndefined();
  });

  it("rests while the deployment is paused", () => {
    const status = { ...counted, conditions: [available, progressing("ReplicaSetUpdated", 20 * minute)] };
    const paused = planned({ status, paused: true }, halfway).status;
    expect(progress(paused)).toMatchObject({
      status: "Unknown",
      reason: "DeploymentPaused",
      message: "Deployment is paused",
    });
    const resumed = planned({ status: paused }, halfway).status;
    expect(progress(resumed)).toMatchObject({
      status: "Unknown",
      reason: "DeploymentResumed",
      message: "Deployment is resumed",
    });
    const late = { ...counted, conditions: [progressing("ProgressDeadlineExceeded", minute, "False")] };
    expect(progress(planned({ status: late, paused: true }, halfway).status)).toMatchObject({
      reason: "ProgressDeadlineExceeded",
    });
  });
});

describe("failures", () => {
  const failing = (name: "new" | "v1") => {
    const failure = {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: `${name} is refused`,
      lastTransitionTime: at(nowMs - minute),
    };
    const set = name === "new" ? newest(4) : setOf("v1", 6, { available: 5 });
    return { ...set, status: { ...set.status, replicas: set.spec.replicas ?? 0, conditions: [failure] } };
  };
  const failure = (sets: readonly ReplicaSet[], status: Status = counted) =>
    planned({ status }, sets).status.conditions?.find(({ type }) => type === "ReplicaFailure");

  it("of ReplicaSets are the deployment's, those of the new one first", () => {
    expect(failure([failing("v1"), newest(4)])).toMatchObject({
      reason: "FailedCreate",
      message: "v1 is refused",
      lastUpdateTime: at(nowMs - minute),
    });
    expect(failure([failing("v1"), failing("new")])?.message).toBe("new is refused");
  });

  it("are forgotten when they are over", () => {
    const before = failure([failing("new"), setOf("v1", 6)])!;
    expect(failure(halfway, { ...counted, conditions: [before] })).toBeUndefined();
  });
});

describe("a status", () => {
  it("that says the same is the same", () => {
    const status = { ...counted, conditions: [progressing("ReplicaSetUpdated"), available] };
    expect(planned({ status }, halfway).status).toEqual(status);
    expect(planned({ status, deleted: true }, halfway).status).toEqual(status);
  });
});
