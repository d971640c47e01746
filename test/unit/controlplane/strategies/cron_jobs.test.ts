/** CronJobs: what is filled in, and what is refused. */
import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { causes, object, updateCauses, updateRefusals, type Fields } from "./life.ts";

const template = (more: Fields = {}): Fields => ({
  spec: { restartPolicy: "Never", containers: [{ name: "abc", image: "i" }], ...more },
});
const specOf = (made: ApiObject) => made["spec"] as Fields;
const text = (made: ApiObject): string[] => causes(made).map(({ field, message }) => `${field}: ${message}`);

describe("a CronJob", () => {
  const cronJob = (spec: Fields = {}) =>
    object("batch/v1", "CronJob", {
      spec: { schedule: "* * * * *", jobTemplate: { spec: { template: template() } }, ...spec },
    });

  it.each<[Fields, string[]]>([
    [{ timeZone: "America/New_York" }, []],
    [{ timeZone: "Etc/GMT+2" }, []],
    [
      { timeZone: "Continent/Zone" },
      ['spec.timeZone: Invalid value: "Continent/Zone": unknown time zone Continent/Zone'],
    ],
    [
      { timeZone: "america/new_york" },
      ['spec.timeZone: Invalid value: "america/new_york": unknown time zone america/new_york'],
    ],
    [{ timeZone: "../x" }, ['spec.timeZone: Invalid value: "../x": unknown time zone ../x']],
    [{ timeZone: "" }, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    [
      { timeZone: "LOCAL" },
      [
        'spec.timeZone: Invalid value: "LOCAL": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ],
    ],
    [
      { schedule: "TZ=UTC 0 * * * *" },
      [
        'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    [
      { jobTemplate: { spec: { template: template(), manualSelector: true, selector: { matchLabels: { a: "b" } } } } },
      [
        'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      ],
    ],
  ])("%j", (spec, expected) => expect(text(cronJob(spec))).toEqual(expected));

  it("keeps the zone in a schedule that had one, but not beside its field", () => {
    const old = cronJob({ schedule: "TZ=UTC 0 * * * *" });
    expect(updateRefusals(old, (next) => (specOf(next)["schedule"] = "TZ=UTC 1 * * * *"))).toEqual([]);
    expect(updateCauses(old, (next) => (specOf(next)["timeZone"] = "UTC")).map(({ message }) => message)).toEqual([
      'Invalid value: "TZ=UTC 0 * * * *": cannot use both timeZone field and TZ or CRON_TZ in schedule',
    ]);
  });
});
