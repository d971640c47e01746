/** Jobs and CronJobs, case by case as pkg/apis/batch/validation/validation_test.go has them. */
import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { causes, created, object, refusals, statusCauses, updateRefusals, type Fields } from "./life.ts";

const template = (more: Fields = {}): Fields => ({
  spec: { restartPolicy: "Never", containers: [{ name: "abc", image: "i" }], ...more },
});
const job = (spec: Fields = {}) => object("batch/v1", "Job", { spec: { template: template(), ...spec } });
const indexed = (spec: Fields = {}) => job({ completionMode: "Indexed", completions: 5, parallelism: 2, ...spec });
const specOf = (made: ApiObject) => made["spec"] as Fields;
const text = (made: ApiObject): string[] => causes(made).map(({ field, message }) => `${field}: ${message}`);

describe("a Job", () => {
  it.each<[string, ApiObject]>([
    ["that fails by index", indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 5 })],
    ["of many indexes", indexed({ completions: 100_001, backoffLimitPerIndex: 1, maxFailedIndexes: 10_000 })],
    ["that another controller runs", job({ managedBy: "example.com/foo" })],
    ["with a success policy by count", indexed({ successPolicy: { rules: [{ succeededCount: 1 }] } })],
    ["by indexes", indexed({ successPolicy: { rules: [{ succeededIndexes: "0-2,4" }] } })],
    ["by both", indexed({ successPolicy: { rules: [{ succeededCount: 2, succeededIndexes: "0-2" }] } })],
    ["that replaces what ended", job({ podReplacementPolicy: "Failed" })],
    [
      "with a failure policy",
      job({
        podReplacementPolicy: "Failed",
        podFailurePolicy: {
          rules: [
            { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
            { action: "FailJob", onExitCodes: { containerName: "abc", operator: "In", values: [1, 2, 3] } },
            { action: "Count", onExitCodes: { operator: "NotIn", values: [0] } },
          ],
        },
      }),
    ],
  ])("%s is taken", (_what, made) => expect(refusals(made)).toEqual([]));

  const failure = (...rules: Fields[]) => job({ podFailurePolicy: { rules } });
  const codes = (onExitCodes: Fields) => failure({ action: "FailJob", onExitCodes });
  const success = (...rules: Fields[]) => indexed({ successPolicy: { rules } });
  const rule = "spec.podFailurePolicy.rules[0]";
  const successRule = "spec.successPolicy.rules[0]";

  it.each<[ApiObject, string[]]>([
    [
      job({ backoffLimitPerIndex: 1 }),
      ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
    ],
    [
      job({ maxFailedIndexes: 1 }),
      [
        "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
      ],
    ],
    [
      indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 6 }),
      ["spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions"],
    ],
    [
      indexed({ completions: 100_001, backoffLimitPerIndex: 1 }),
      ["spec.maxFailedIndexes: Required value: must be specified when completions is above 100000"],
    ],
    [
      indexed({ completions: 100_001, backoffLimitPerIndex: 1, maxFailedIndexes: 10_001, parallelism: 10_001 }),
      ["spec.parallelism", "spec.maxFailedIndexes"].map(
        (field) =>
          `${field}: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index`,
      ),
    ],
    [
      job({ completionMode: "Some" }),
      ['spec.completionMode: Unsupported value: "Some": supported values: "NonIndexed", "Indexed"'],
    ],
    [
      job({ completionMode: "Indexed", parallelism: 1 }),
      ["spec.completions: Required value: when completion mode is Indexed"],
    ],
    [
      job({ managedBy: "nodomain" }),
      ['spec.managedBy: Invalid value: "nodomain": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [job({ managedBy: `example.com/${"a".repeat(60)}` }), ["spec.managedBy: Too long: may not be more than 63 bytes"]],
    [
      job({ podReplacementPolicy: "Never" }),
      ['spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"'],
    ],
    [
      job({ podReplacementPolicy: "TerminatingOrFailed", podFailurePolicy: { rules: [] } }),
      ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
    ],
    [
      job({ podFailurePolicy: { rules: [] }, template: template({ restartPolicy: "OnFailure" }) }),
      [
        'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ],
    ],
    [
      failure({ onExitCodes: { operator: "In", values: [1] } }),
      [`${rule}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`],
    ],
    [
      failure({ action: "FailIndex", onExitCodes: { operator: "In", values: [1] } }),
      [`${rule}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`],
    ],
    [
      failure({ action: "Ignore" }),
      [`${rule}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`],
    ],
    [
      failure({
        action: "Ignore",
        onExitCodes: { operator: "In", values: [1] },
        onPodConditions: [{ type: "a", status: "True" }],
      }),
      [`${rule}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported`],
    ],
    [
      failure({ action: "Ignore", onPodConditions: [{ type: "a", status: "Some" }] }),
      [`${rule}.onPodConditions[0].status: Unsupported value: "Some": supported values: "False", "True", "Unknown"`],
    ],
    [
      codes({ operator: "In", values: [] }),
      [`${rule}.onExitCodes.values: Invalid value: []: at least one value is required`],
    ],
    [
      codes({ operator: "In", values: [0] }),
      [`${rule}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator`],
    ],
    [
      codes({ operator: "In", values: [12, 11, 13] }),
      [`${rule}.onExitCodes.values: Invalid value: [12,11,13]: must be ordered`],
    ],
    [codes({ operator: "In", values: [11, 12, 12] }), [`${rule}.onExitCodes.values[2]: Duplicate value: 12`]],
    [
      codes({ operator: "In", values: [1], containerName: "xyz" }),
      [
        `${rule}.onExitCodes.containerName: Invalid value: "xyz": must be one of the container or initContainer names in the pod template`,
      ],
    ],
    [
      codes({ operator: "In", values: Array.from({ length: 256 }, (_, i) => i + 1) }),
      [`${rule}.onExitCodes.values: Too many: 256: must have at most 255 items`],
    ],
    [
      job({ successPolicy: { rules: [{ succeededCount: 1 }] } }),
      ['spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode'],
    ],
    [
      success(),
      [
        "spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified",
      ],
    ],
    [
      success({}),
      [`${successRule}: Required value: at least one of succeededCount or succeededIndexes must be specified`],
    ],
    [
      success({ succeededCount: 6 }),
      [
        `${successRule}.succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)`,
      ],
    ],
    [
      success({ succeededCount: 4, succeededIndexes: "0-2" }),
      [
        `${successRule}.succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of indexes in the specified succeededIndexes field)`,
      ],
    ],
    ...(
      [
        ["0-5", 'too large index: "5"'],
        ["0,7", 'too large index: "7"'],
        ["2,1", "non-increasing order, previous: 2, current: 1"],
        ["2-1", "non-increasing order, previous: 2, current: 1"],
        ["invalid format", 'cannot convert string to integer for index: "invalid format"'],
        [
          "0-1-2",
          "the fragment \"0-1-2\" violates the requirement that an index interval can have at most two parts separated by '-'",
        ],
      ] as const
    ).map(([indexes, words]): [ApiObject, string[]] => [
      success({ succeededIndexes: indexes }),
      [
        `${successRule}.succeededIndexes: Invalid value: ${JSON.stringify(indexes)}: error parsing succeededIndexes: ${words}`,
      ],
    ]),
  ])("%# is refused", (made, expected) => expect(text(made)).toEqual(expected));

  it("whose pods' host names would be too long is refused once", () => {
    const long = object("batch/v1", "Job", { spec: specOf(indexed()) }, { name: "a".repeat(62) });
    expect(refusals(long)).toEqual(["Invalid metadata.name"]);
  });
});

describe("a Job's update", () => {
  it.each<[string, ApiObject, Fields, string[]]>([
    ["completions of a plain one", job({ completions: 1 }), { completions: 2 }, ["Invalid spec.completions"]],
    ["completions together with parallelism", indexed(), { completions: 3, parallelism: 3 }, []],
    ["completions alone", indexed(), { completions: 3 }, ["Invalid spec.completions"]],
    ["parallelism", job(), { parallelism: 4 }, []],
    ["who runs it", job(), { managedBy: "example.com/foo" }, ["Invalid spec.managedBy"]],
    [
      "its success policy",
      indexed(),
      { successPolicy: { rules: [{ succeededCount: 1 }] } },
      ["Invalid spec.successPolicy"],
    ],
    ["how pods are replaced", job(), { podReplacementPolicy: "Failed" }, []],
  ])("of %s", (_what, old, change, expected) => {
    expect(updateRefusals(old, (next) => Object.assign(specOf(next), change))).toEqual(expected);
  });

  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: "foo", operator: "In", values: ["bar"] }] }],
    },
  };
  const podAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: { matchLabels: { a: "b" } }, topologyKey: "z" }],
  };
  const podSpec = (made: ApiObject) => (specOf(made)["template"] as { spec: Fields }).spec;

  it.each<[string, Fields, Fields, boolean]>([
    ["node affinity that is added", {}, { affinity: { nodeAffinity } }, true],
    ["node affinity that goes", { affinity: { nodeAffinity } }, { affinity: undefined }, true],
    ["pod affinity that is added", {}, { affinity: { podAffinity } }, false],
    ["pod affinity that goes", { affinity: { podAffinity } }, { affinity: undefined }, false],
    ["node affinity beside another", { affinity: { podAffinity } }, { affinity: { podAffinity, nodeAffinity } }, true],
    ["a node selector", {}, { nodeSelector: { a: "b" } }, true],
    ["a gate", {}, { schedulingGates: [{ name: "a.io/g" }] }, true],
    ["a priority class", {}, { priorityClassName: "p" }, false],
  ])("of %s, while it has never run", (_what, before, change, isTaken) => {
    const old = job({ suspend: true, template: template(before) });
    const refused = updateRefusals(old, (next) => Object.assign(podSpec(next), change));
    expect(refused).toEqual(isTaken ? [] : ["Invalid spec.template"]);
  });
});

describe("a Job's status", () => {
  const t = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;
  const on = (...types: string[]): Fields[] => types.map((type) => ({ type, status: "True" }));
  const done = { startTime: t(1), completionTime: t(2), conditions: on("SuccessCriteriaMet", "Complete") };
  const failed = { startTime: t(1), conditions: on("FailureTarget", "Failed") };

  /** @param old the status before */
  function update(old: Fields, status: Fields, made: ApiObject = job()): string[] {
    const before = { ...created(made), status: old };
    const found = statusCauses(before, { ...structuredClone(before), status });
    return found.map(({ field, message }) => `${field}: ${message}`);
  }

  it.each<[string, Fields, Fields]>([
    ["runs", {}, { startTime: t(1), active: 2, ready: 1 }],
    ["is done", { startTime: t(1), conditions: on("SuccessCriteriaMet") }, done],
    ["has failed", { startTime: t(1), conditions: on("FailureTarget") }, failed],
    ["is suspended, and has no start", { startTime: t(1), conditions: [] }, { conditions: [], startTime: t(1) }],
    ["stays wrong, while something else changes", { active: -0, ready: 2 }, { active: 0, ready: 2, failed: 1 }],
  ])("that says that it %s", (_what, old, status) => expect(update(old, status)).toEqual([]));

  it.each<[string, Fields, Fields, string[]]>([
    [
      "two ends",
      {},
      { ...failed, completionTime: t(2), conditions: on("FailureTarget", "Failed", "Complete") },
      [
        "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
        "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
        "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
      ],
    ],
    [
      "a failure without its target",
      {},
      { ...failed, conditions: on("Failed") },
      ["status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition"],
    ],
    [
      "an end without its time",
      {},
      { ...done, completionTime: undefined },
      ["status.completionTime: Required value: completionTime is required for Complete jobs"],
    ],
    [
      "an end's time without the end",
      {},
      { completionTime: t(1) },
      [
        `status.completionTime: Invalid value: "${t(1)}": cannot set completionTime when there is no Complete=True condition`,
      ],
    ],
    [
      "an end before its start",
      {},
      { ...done, startTime: t(3) },
      [`status.completionTime: Invalid value: "${t(2)}": completionTime cannot be set before startTime`],
    ],
    [
      "an end without a start",
      {},
      { ...done, startTime: undefined },
      ["status.startTime: Required value: startTime is required for finished job"],
    ],
    [
      "an end with pods that run, end and are not counted",
      {},
      { ...done, active: 1, terminating: 1, uncountedTerminatedPods: { succeeded: ["u"] } },
      [
        "status.active: Invalid value: 1: active>0 is invalid for finished job",
        'status.uncountedTerminatedPods: Invalid value: {"succeeded":["u"]}: uncountedTerminatedPods needs to be empty for finished job',
        "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
      ],
    ],
    [
      "more ready than there are",
      {},
      { active: 1, ready: 2 },
      ["status.ready: Invalid value: 2: cannot set more ready pods than active"],
    ],
    [
      "uncounted pods twice, and none",
      {},
      { uncountedTerminatedPods: { succeeded: ["a", ""], failed: ["a"] } },
      [
        'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
      ],
    ],
    [
      "an end that is taken back",
      done,
      { startTime: t(1) },
      [
        "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
        "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
      ],
    ],
    [
      "less than before",
      { failed: 2, succeeded: 2 },
      { failed: 1, succeeded: 1 },
      [
        "status.failed: Invalid value: 1: cannot decrease the failed counter",
        "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter",
      ],
    ],
    [
      "another end",
      done,
      { ...done, completionTime: t(5) },
      [`status.completionTime: Invalid value: "${t(5)}": completionTime cannot be mutated`],
    ],
    [
      "another start",
      { startTime: t(1) },
      { startTime: t(2) },
      ["status.startTime: Required value: startTime cannot be removed for unsuspended job"],
    ],
    [
      "indexes of a plain Job",
      {},
      { completedIndexes: "0" },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      ],
    ],
    [
      "failed indexes that nobody counts",
      {},
      { failedIndexes: "0" },
      ['status.failedIndexes: Invalid value: "0": cannot set non-null failedIndexes when backoffLimitPerIndex is null'],
    ],
  ])("that says %s is refused", (_what, old, status, expected) => expect(update(old, status)).toEqual(expected));

  it("may begin anew when it is resumed", () => {
    const suspended = (status: string) => ({ conditions: [{ type: "Suspended", status }] });
    expect(update({ startTime: t(1), ...suspended("True") }, { startTime: t(2), ...suspended("False") })).toEqual([]);
    expect(update({ startTime: t(1), ...suspended("False") }, { startTime: t(2), ...suspended("False") })).toEqual([
      "status.startTime: Required value: startTime cannot be removed for unsuspended job",
    ]);
  });

  it("of an Indexed Job says indexes that there are, each in one list", () => {
    const made = indexed({ backoffLimitPerIndex: 1 });
    expect(update({}, { completedIndexes: "0-1", failedIndexes: "2,4" }, made)).toEqual([]);
    expect(update({}, { completedIndexes: "0-2", failedIndexes: "2,9" }, made)).toEqual([
      'status.failedIndexes: Invalid value: "2,9": error parsing failedIndexes: too large index: "9"',
      'status.failedIndexes: Invalid value: "2,9": failedIndexes and completedIndexes overlap at index: 2',
    ]);
  });

  it("of an elastic Job may count less: it was made smaller", () => {
    expect(update({ succeeded: 5 }, { succeeded: 3 }, indexed({ parallelism: 5 }))).toEqual([]);
  });

  it("of a Job with a success policy is done by that alone", () => {
    const made = indexed({ successPolicy: { rules: [{ succeededCount: 1 }] } });
    expect(update(done, { ...done, conditions: on("Complete") }, made)).toContain(
      "status.conditions: Invalid value: cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
    );
  });
});
