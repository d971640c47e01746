/** CronJobs and the deletion of finished Jobs on the real API server, with a clock that the test moves. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { cronJobController } from "../../../../../src/controlplane/controllers/cron_job/cron_job.ts";
import { ttlAfterFinishedController } from "../../../../../src/controlplane/controllers/ttl_after_finished/ttl_after_finished.ts";
import type { Job } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { FakeClock } from "../../../../fixtures/fake_clock.ts";

const { cronJobs, jobs } = resourceTypes;
const minuteMs = 60_000;
let plane: TestControlPlane;
/** Minutes ahead of the server, which says when an object was created: however slow it is, a run is due. */
const clock = new FakeClock((Math.ceil(Date.now() / minuteMs) + 2) * minuteMs + 1000);
beforeAll(async () => {
  plane = await startTestControlPlane({ rows: [cronJobController, ttlAfterFinishedController], clock });
});
afterAll(() => plane.stop());

const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "i" }] } };

async function make(name: string, spec: object = {}): Promise<void> {
  const jobTemplate = { spec: { template } };
  const metadata = { namespace: "default", name };
  await plane.client.create(cronJobs, { metadata, spec: { schedule: "* * * * *", jobTemplate, ...spec } });
}

async function jobsOf(name: string): Promise<readonly Job[]> {
  const { items } = await plane.client.list(jobs, { namespace: "default" });
  return items.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.name === name));
}

/** Its end, as the Job controller writes it. */
async function finish({ metadata }: Job, type: "Complete" | "Failed" = "Complete"): Promise<void> {
  const now = new Date(Math.floor(clock.now() / 1000) * 1000).toISOString().replace(".000Z", "Z");
  const interim = type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget";
  const conditions = [interim, type].map((one) => ({ type: one, status: "True", lastTransitionTime: now }));
  const completion = type === "Complete" ? { completionTime: now } : {};
  const body = { status: { startTime: now, conditions, ...completion } };
  const key = { namespace: "default", name: metadata.name };
  await plane.client.patch(jobs, key, { type: "merge", body }, { subresource: "status" });
}

describe("CronJobs", () => {
  it("make a Job each minute, and keep their history", async () => {
    await make("tick", { successfulJobsHistoryLimit: 1 });
    for (let minute = 1; minute <= 3; minute++) {
      // The first is due from the start: the clock is in the minute behind the creation.
      if (minute > 1) clock.advance(minuteMs);
      const job = await eventually(`Job ${minute}`, async () => {
        return (await jobsOf("tick")).find(({ status }) => status?.completionTime === undefined);
      });
      expect(job.metadata.name).toBe(`tick-${Math.floor(clock.now() / minuteMs)}`);
      const status = await eventually("the status", async () => {
        const found = (await plane.client.get(cronJobs, { namespace: "default", name: "tick" })).status;
        return found?.active?.some(({ name }) => name === job.metadata.name) && found;
      });
      expect(Date.parse(status.lastScheduleTime!)).toBe(Math.floor(clock.now() / minuteMs) * minuteMs);
      await finish(job);
      await eventually("it is seen", async () => {
        return !(await plane.client.get(cronJobs, { namespace: "default", name: "tick" })).status?.active;
      });
    }
    await eventually("the history", async () => (await jobsOf("tick")).length === 1);
    const reasons = plane.events.map(({ reason }) => reason);
    for (const reason of ["SuccessfulCreate", "SawCompletedJob", "SuccessfulDelete"]) expect(reasons).toContain(reason);
    await plane.client.delete(cronJobs, { namespace: "default", name: "tick" });
  });

  it("replace a Job that still runs", async () => {
    await make("replace", { concurrencyPolicy: "Replace" });
    const [first] = await eventually("the first", async () => {
      const found = await jobsOf("replace");
      return found.length === 1 && found;
    });
    await eventually("the status", async () => {
      return (await plane.client.get(cronJobs, { namespace: "default", name: "replace" })).status?.active;
    });
    clock.advance(minuteMs);
    await eventually("the second alone", async () => {
      const found = await jobsOf("replace");
      return found.length === 1 && found[0]!.metadata.uid !== first!.metadata.uid;
    });
    await plane.client.delete(cronJobs, { namespace: "default", name: "replace" });
  });
});

describe("finished Jobs", () => {
  it("go after their time", async () => {
    const make = (name: string, ttl?: number) =>
      plane.client.create(jobs, {
        metadata: { namespace: "default", name },
        spec: { template, ...(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }) },
      });
    const soon = await make("soon", 60);
    const kept = await make("kept");
    const running = await make("running", 0);
    await finish(soon, "Failed");
    await finish(kept);
    const names = async (): Promise<string[]> => {
      const { items } = await plane.client.list(jobs, { namespace: "default" });
      return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
    };
    clock.advance(30_000);
    expect(await names()).toEqual(expect.arrayContaining(["kept", "running", "soon"]));
    await eventually("the end", async () => {
      clock.advance(31_000);
      return !(await names()).includes("soon");
    });
    expect(await names()).toEqual(expect.arrayContaining(["kept", "running"]));
    await finish(running);
    await eventually("the end at once", async () => !(await names()).includes("running"));
    expect(plane.complaints).toEqual([]);
  });
});
