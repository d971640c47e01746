/** What upstream checks of CronJobs (pkg/controller/cronjob/cronjob_controllerv2_test.go, utils_test.go). */
import { describe, expect, it } from "vitest";
import { nextRunInMs } from "../../../../../src/controlplane/controllers/cron_job/due.ts";
import { plan, scheduleOf, type Plan } from "../../../../../src/controlplane/controllers/cron_job/plan.ts";
import type { CronJob, Job } from "../../../../../src/model/kubernetes.ts";

const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);
/** The name of the Job of a time. */
const nameAt = (time: string): string => `tick-${at(time) / 60_000}`;

function cron(spec: Partial<CronJob["spec"]> = {}, status: CronJob["status"] = {}, metadata: object = {}): CronJob {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: {
      namespace: "ns",
      name: "tick",
      uid: "cron-uid",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T08:30:00Z",
      ...metadata,
    },
    spec: {
      schedule: "0 * * * *",
      concurrencyPolicy: "Allow",
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { metadata: { labels: { a: "b" }, annotations: { c: "d" } }, spec: { template: {} } },
      ...spec,
    },
    status,
  };
}

function job(name: string, outcome?: "Complete" | "Failed", start = "2026-01-01T09:00:00Z"): Job {
  const conditions = outcome ? [{ type: outcome, status: "True" }] : [];
  const completionTime = outcome === "Complete" ? { completionTime: start } : {};
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { namespace: "ns", name, uid: `uid-${name}`, resourceVersion: "5", creationTimestamp: start },
    spec: { template: {} },
    status: { startTime: start, conditions, ...completionTime },
  };
}

const ref = ({ metadata: { name, uid, namespace = "" } }: Job) => ({ kind: "Job", name, uid, namespace });
const run = (cronJob: CronJob, time: string, jobs: readonly Job[] = []): Plan =>
  plan({ cronJob, jobs, localZone: "UTC" }, at(time));
const reasons = ({ events }: Plan): string[] => events.map(({ reason }) => reason);

describe("a CronJob", () => {
  it("makes a Job that is its own when one is due", () => {
    const planned = run(cron(), "09:00:10");
    expect(planned).toEqual({
      events: [],
      remove: [],
      create: {
        job: {
          metadata: {
            namespace: "ns",
            name: nameAt("09:00:00"),
            labels: { a: "b" },
            annotations: { c: "d", "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T09:00:00Z" },
            ownerReferences: [
              {
                apiVersion: "batch/v1",
                kind: "CronJob",
                name: "tick",
                uid: "cron-uid",
                controller: true,
                blockOwnerDeletion: true,
              },
            ],
          },
          spec: { template: {} },
        },
        lastScheduleTime: "2026-01-01T09:00:00Z",
      },
      status: {},
      againAfterMs: at("10:00:00") - at("09:00:10") + 100,
    });
  });

  it("waits until then", () => {
    const planned = run(cron(), "08:59:59");
    expect(planned.create).toBeUndefined();
    expect(planned.againAfterMs).toBe(1100);
  });

  it("makes no Job twice", () => {
    const done = cron({}, { lastScheduleTime: "2026-01-01T09:00:00Z" });
    expect(run(done, "09:00:10")).toMatchObject({ againAfterMs: at("10:00:00") - at("09:00:10") + 100 });
    expect(run(done, "09:00:10").create).toBeUndefined();
    const running = job(nameAt("09:00:00"));
    expect(run(cron({}, { active: [ref(running)] }), "09:00:10", [running]).create).toBeUndefined();
  });

  it("makes the last of those that it has missed, and says when they are many", () => {
    const few = run(cron({}, { lastScheduleTime: "2026-01-01T09:00:00Z" }), "13:20:00");
    expect(few.create!.lastScheduleTime).toBe("2026-01-01T13:00:00Z");
    expect(reasons(few)).toEqual([]);
    const many = run(cron({ schedule: "* * * * *" }), "13:20:30");
    expect(many.create!.lastScheduleTime).toBe("2026-01-01T13:20:00Z");
    expect(many.events).toEqual([
      {
        type: "Warning",
        reason: "TooManyMissedTimes",
        message: "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
      },
    ]);
    const bounded = run(cron({ schedule: "* * * * *", startingDeadlineSeconds: 300 }), "13:20:30");
    expect(reasons(bounded)).toEqual([]);
    expect(bounded.create!.lastScheduleTime).toBe("2026-01-01T13:20:00Z");
  });

  it("makes none that is past its startingDeadlineSeconds", () => {
    const late = run(cron({ startingDeadlineSeconds: 30 }), "09:01:00");
    expect(late.create).toBeUndefined();
    expect(late.againAfterMs).toBe(at("10:00:00") - at("09:01:00") + 100);
  });

  it.each([
    ["Allow", true, 0, []],
    ["Forbid", false, 0, ["JobAlreadyActive"]],
    ["Replace", true, 1, []],
  ])("%s: beside one that still runs", (concurrencyPolicy, makes, removes, said) => {
    const running = job(nameAt("09:00:00"));
    const status = { active: [ref(running)], lastScheduleTime: "2026-01-01T09:00:00Z" };
    const planned = run(cron({ concurrencyPolicy }, status), "10:00:05", [running]);
    expect(planned.create !== undefined).toBe(makes);
    expect(planned.remove).toHaveLength(removes);
    expect(planned.status.active ?? []).toHaveLength(1 - removes);
    expect(reasons(planned)).toEqual(said);
  });

  it("sees what has ended, and when one last succeeded", () => {
    const done = job("tick-1", "Complete");
    const failed = job("tick-2", "Failed");
    const planned = run(cron({}, { active: [ref(done), ref(failed)] }), "08:40:00", [done, failed]);
    expect(planned.status).toEqual({ lastSuccessfulTime: "2026-01-01T09:00:00Z" });
    expect(planned.events).toEqual([
      { type: "Normal", reason: "SawCompletedJob", message: "Saw completed job: tick-1, condition: Complete" },
      { type: "Normal", reason: "SawCompletedJob", message: "Saw completed job: tick-2, condition: Failed" },
    ]);
  });

  it("misses what is gone, and wonders at what it did not make", () => {
    const planned = run(cron({}, { active: [ref(job("tick-1"))] }), "08:40:00", [job("manual")]);
    expect(planned.status).toEqual({});
    expect(planned.events.map(({ message }) => message)).toEqual([
      "Saw a job that the controller did not create or forgot: manual",
      "Active job went missing: tick-1",
    ]);
  });

  it("keeps so many finished Jobs, the latest", () => {
    const jobs = [
      ...[1, 2, 3, 4, 5].map((i) => job(`good-${i}`, "Complete", `2026-01-01T0${i}:00:00Z`)),
      ...[1, 2].map((i) => job(`bad-${i}`, "Failed", `2026-01-01T0${i}:00:00Z`)),
    ];
    const removed = (spec: object): string[] =>
      run(cron(spec), "08:40:00", jobs).remove.map(({ metadata }) => metadata.name);
    expect(removed({})).toEqual(["good-1", "good-2", "bad-1"]);
    expect(removed({ successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 5 })).toHaveLength(5);
  });

  it.each([
    ["is suspended", { suspend: true }, {}, []],
    ["is being deleted", {}, { deletionTimestamp: "2026-01-01T09:00:00Z" }, []],
    ["has a zone that is none", { timeZone: "Mars/Olympus" }, {}, ["UnknownTimeZone"]],
    ["has a schedule that is none", { schedule: "whenever" }, {}, ["UnparseableSchedule"]],
    ["has a schedule that never comes", { schedule: "0 0 31 2 *" }, {}, ["InvalidSchedule"]],
  ])("does nothing when it %s", (_, spec, metadata, said) => {
    const planned = run(cron(spec, {}, metadata), "09:00:10");
    expect(planned.create).toBeUndefined();
    expect(planned.againAfterMs).toBeUndefined();
    expect(reasons(planned)).toEqual(said);
  });

  it("keeps the time of its zone", () => {
    const planned = run(cron({ schedule: "30 4 * * *", timeZone: "America/New_York" }), "09:30:20");
    expect(planned.create!.job.metadata.annotations!["batch.kubernetes.io/cronjob-scheduled-timestamp"]).toBe(
      "2026-01-01T04:30:00-05:00",
    );
    const older = run(cron({ schedule: "TZ=Asia/Tokyo 0 18 * * *" }), "09:00:20");
    expect(older.create!.lastScheduleTime).toBe("2026-01-01T09:00:00Z");
    expect(reasons(older)).toEqual(["UnsupportedSchedule"]);
  });

  it("with a new schedule begins from now", () => {
    const changed = cron({ schedule: "*/5 * * * *" });
    expect(nextRunInMs(changed, scheduleOf(changed, "UTC")!, at("09:02:00"))).toBe(180_100);
  });
});
