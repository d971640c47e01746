/** The Job controller on the real API server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { jobController } from "../../../../../src/controlplane/controllers/job/job.ts";
import type { Job } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { startPodRunner, type Fate, type PodRunner } from "../../../../fixtures/pod_runner.ts";

const { jobs, pods } = resourceTypes;
let plane: TestControlPlane;
let runner: PodRunner;
const fates = new Map<string, Fate>();
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [jobController] });
  const fate = (job: string | undefined): Fate => fates.get(job ?? "") ?? "succeeded";
  runner = await startPodRunner(plane.client, { fate: ({ metadata }) => fate(metadata.labels?.["job-name"]) });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
});

async function run(name: string, spec: object = {}, fate: Fate = "succeeded"): Promise<void> {
  fates.set(name, fate);
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "i" }] } };
  await plane.client.create(jobs, { metadata: { namespace: "default", name }, spec: { template, ...spec } });
}

const get = (name: string): Promise<Job> => plane.client.get(jobs, { namespace: "default", name });
const podsOf = (name: string) => runner.pods().filter(({ metadata }) => metadata.labels?.["job-name"] === name);

/** The Job once it has this condition. */
function until(name: string, type: string): Promise<Job> {
  return eventually(`${type} of ${name}`, async () => {
    const job = await get(name);
    return job.status?.conditions?.some((one) => one.type === type && one.status === "True") && job;
  });
}

const eventsOf = (name: string): string[] =>
  plane.events.filter(({ about }) => about.metadata.name === name).map(({ reason }) => reason);

describe("Jobs", () => {
  it("run to completion, and let their pods go", async () => {
    await run("three", { completions: 3, parallelism: 2 });
    const { status } = await until("three", "Complete");
    expect(status).toMatchObject({ succeeded: 3, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
    await eventually("pods without finalizer", () =>
      podsOf("three").every(({ metadata }) => (metadata.finalizers ?? []).length === 0),
    );
    expect(podsOf("three")).toHaveLength(3);
    expect(eventsOf("three")).toEqual(["SuccessfulCreate", "SuccessfulCreate", "SuccessfulCreate", "Completed"]);
  });

  it("run each index", async () => {
    await run("indexed", { completions: 4, parallelism: 4, completionMode: "Indexed" });
    const { status } = await until("indexed", "Complete");
    expect(status).toMatchObject({ succeeded: 4, completedIndexes: "0-3" });
    expect(podsOf("indexed").map(({ metadata }) => metadata.name.slice(0, -5))).toEqual([
      "indexed-0-",
      "indexed-1-",
      "indexed-2-",
      "indexed-3-",
    ]);
  });

  it("fail beyond their limit", async () => {
    await run("failing", { backoffLimit: 0 }, "failed");
    const { status } = await until("failing", "Failed");
    expect(status).toMatchObject({ failed: 1, conditions: [{ type: "FailureTarget" }, { type: "Failed" }] });
    expect(eventsOf("failing")).toEqual(["SuccessfulCreate", "BackoffLimitExceeded"]);
  });

  it("suspend and resume", async () => {
    await run("paused", { suspend: true });
    await until("paused", "Suspended");
    expect(podsOf("paused")).toEqual([]);
    const key = { namespace: "default", name: "paused" };
    await plane.client.patch(jobs, key, { type: "merge", body: { spec: { suspend: false } } });
    await until("paused", "Complete");
    expect(eventsOf("paused")).toEqual(["Suspended", "SuccessfulCreate", "Resumed", "Completed"]);
  });

  it("are past their deadline", async () => {
    await run("late", { activeDeadlineSeconds: 1 }, "ready");
    const { status } = await until("late", "Failed");
    expect(status!.conditions!.at(-1)!.reason).toBe("DeadlineExceeded");
    await eventually("the end of the pod", () => podsOf("late").length === 0);
  });

  it("of another controller are left alone", async () => {
    await run("foreign", { managedBy: "example.com/other" });
    await run("after-foreign");
    await until("after-foreign", "Complete");
    expect((await get("foreign")).status).toEqual({});
    expect(podsOf("foreign")).toEqual([]);
  });

  it("let go of pods that they leave behind", async () => {
    await run("left", {}, "ready");
    const [pod] = await eventually("a pod", () => podsOf("left").length === 1 && podsOf("left"));
    expect(pod!.metadata.finalizers).toEqual(["batch.kubernetes.io/job-tracking"]);
    await plane.client.delete(jobs, { namespace: "default", name: "left" }, { propagationPolicy: "Background" });
    await eventually("the pod's release", async () => {
      const { metadata } = await plane.client.get(pods, { namespace: "default", name: pod!.metadata.name });
      return (metadata.finalizers ?? []).length === 0;
    });
  });

  it("of a hundred pods are counted exactly", async () => {
    await run("hundred", { completions: 100, parallelism: 100 });
    const { status } = await eventually("the end", async () => {
      const job = await get("hundred");
      return job.status?.completionTime !== undefined && job;
    }, 20_000); // prettier-ignore
    expect(status).toMatchObject({ succeeded: 100, uncountedTerminatedPods: {} });
    expect(podsOf("hundred")).toHaveLength(100);
  }, 30_000);

  it("gave nobody cause to complain", () => {
    expect(plane.complaints).toEqual([]);
    expect(runner.failures).toEqual([]);
  });
});
