/** What robfig/cron's own tests check of its standard parser and of daylight saving (spec_test.go, parser_test.go). */
import { describe, expect, it } from "vitest";
import { parseSchedule } from "../../../../../src/controlplane/controllers/cron_job/schedule.ts";
import { zonedTime } from "../../../../../src/controlplane/controllers/cron_job/zone.ts";
import { scheduleError } from "../../../../../src/controlplane/apiserver/strategies/workloads/schedule.ts";

function next(after: string, schedule: string, zone = "UTC"): string | undefined {
  const ms = parseSchedule(schedule, zone)?.next(Date.parse(after));
  return ms === undefined ? undefined : zonedTime(ms, zone);
}

describe("the next time of a schedule", () => {
  it.each([
    // The next minute, over hours, days, months and years.
    ["2012-07-09T14:45:00Z", "0/15 * * * *", "2012-07-09T15:00:00Z"],
    ["2012-07-09T14:59:00Z", "0/15 * * * *", "2012-07-09T15:00:00Z"],
    ["2012-07-09T14:59:59Z", "0/15 * * * *", "2012-07-09T15:00:00Z"],
    ["2012-07-09T15:45:00Z", "20-35/15 * * * *", "2012-07-09T16:20:00Z"],
    ["2012-07-09T23:46:00Z", "*/15 * * * *", "2012-07-10T00:00:00Z"],
    ["2012-07-09T23:35:51Z", "20/15 10/2 * * *", "2012-07-10T10:20:00Z"],
    ["2012-07-09T23:35:00Z", "0 0 9 Apr-Oct ?", "2012-08-09T00:00:00Z"],
    ["2012-07-09T23:35:00Z", "0 0 */5 4,8,10 Mon", "2012-08-01T00:00:00Z"],
    ["2012-07-09T23:35:00Z", "0 0 */5 Oct Mon", "2012-10-01T00:00:00Z"],
    ["2012-12-31T23:59:45Z", "* * * * *", "2013-01-01T00:00:00Z"],
    ["2012-07-09T23:35:00Z", "0 0 29 Feb ?", "2016-02-29T00:00:00Z"],
    // A day of the month or of the week; with a star the other one alone.
    ["2012-07-09T23:35:00Z", "0 0 15 * Wed", "2012-07-11T00:00:00Z"],
    ["2012-07-12T00:00:00Z", "0 0 15 * Wed", "2012-07-15T00:00:00Z"],
    ["2012-07-09T23:35:00Z", "0 0 * * Fri", "2012-07-13T00:00:00Z"],
    ["2012-07-09T23:35:00Z", "0 0 */2 * Sun", "2012-07-11T00:00:00Z"],
    // Descriptors.
    ["2012-07-09T14:45:00Z", "@hourly", "2012-07-09T15:00:00Z"],
    ["2012-07-09T14:45:00Z", "@daily", "2012-07-10T00:00:00Z"],
    ["2012-07-09T14:45:00Z", "@weekly", "2012-07-15T00:00:00Z"],
    ["2012-07-09T14:45:00Z", "@monthly", "2012-08-01T00:00:00Z"],
    ["2012-07-09T14:45:00Z", "@yearly", "2013-01-01T00:00:00Z"],
    ["2012-07-09T14:45:10Z", "@every 1h30m", "2012-07-09T16:15:10Z"],
  ])("after %s of %j is %s", (after, schedule, expected) => {
    expect(scheduleError(schedule)).toBeUndefined();
    expect(next(after, schedule)).toBe(expected);
  });

  it.each(["0 0 30 Feb ?", "0 0 31 Apr ?"])("never comes for %j", (schedule) => {
    expect(next("2012-07-09T23:35:00Z", schedule)).toBeUndefined();
  });

  it.each([
    "",
    "* * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 7",
    "5-1 * * * *",
    "*/0 * * * *",
    "x * * * *",
    "@never",
    "@every x",
  ])("is nobody's for %j, which the API server refuses too", (schedule) => {
    expect(parseSchedule(schedule, "UTC")).toBeUndefined();
    expect(scheduleError(schedule)).toBeDefined();
  });
});

describe("time zones", () => {
  const newYork = "America/New_York";
  it.each([
    // 2012-03-11: 02:00 to 03:00 is left out. What is due then is not run that day.
    ["2012-03-11T00:00:00-05:00", "30 2 11 Mar ?", "2013-03-11T02:30:00-04:00"],
    // Every hour goes on.
    ["2012-03-11T00:00:00-05:00", "0 * * * ?", "2012-03-11T01:00:00-05:00"],
    ["2012-03-11T01:00:00-05:00", "0 * * * ?", "2012-03-11T03:00:00-04:00"],
    ["2012-03-11T03:00:00-04:00", "0 * * * ?", "2012-03-11T04:00:00-04:00"],
    ["2012-03-11T01:00:00-05:00", "0 2 * * ?", "2012-03-12T02:00:00-04:00"],
    // 2012-11-04: 01:00 to 02:00 is there twice, and so is what is due then.
    ["2012-11-04T00:00:00-04:00", "30 2 04 Nov ?", "2012-11-04T02:30:00-05:00"],
    ["2012-11-04T00:45:00-04:00", "30 1 04 Nov ?", "2012-11-04T01:30:00-04:00"],
    ["2012-11-04T01:30:00-04:00", "30 1 04 Nov ?", "2012-11-04T01:30:00-05:00"],
    ["2012-11-04T00:00:00-04:00", "0 * * * ?", "2012-11-04T01:00:00-04:00"],
    ["2012-11-04T01:00:00-04:00", "0 * * * ?", "2012-11-04T01:00:00-05:00"],
    ["2012-11-04T01:00:00-05:00", "0 * * * ?", "2012-11-04T02:00:00-05:00"],
    ["2012-11-04T00:00:00-04:00", "0 0 * * ?", "2012-11-05T00:00:00-05:00"],
  ])("in New York after %s of %j is %s", (after, schedule, expected) => {
    expect(next(after, schedule, newYork)).toBe(expected);
  });

  it("go on where midnight is left out, and where hours begin at the half", () => {
    // Sao Paulo, 2018-11-04: the day begins at 01:00.
    expect(next("2018-11-03T05:00:00-03:00", "0 10 * * 0", "America/Sao_Paulo")).toBe("2018-11-04T10:00:00-02:00");
    expect(next("2026-01-01T00:10:00Z", "0 9 * * *", "Asia/Kolkata")).toBe("2026-01-01T09:00:00+05:30");
    expect(next("2026-01-01T00:10:00Z", "15 * * * *", "Asia/Kolkata")).toBe("2026-01-01T06:15:00+05:30");
  });
});
