/** Durations, JSONPath and the columns of custom resources. */
import { describe, expect, it } from "vitest";
import { columnsFromCrd } from "../../../../src/controlplane/apiserver/printing/custom_columns.ts";
import { age, humanDuration } from "../../../../src/controlplane/apiserver/printing/duration.ts";
import { jsonPath } from "../../../../src/controlplane/apiserver/printing/json_path.ts";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("durations", () => {
  it.each([
    [-2 * second, "<invalid>"],
    [-1.5 * second, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [3 * minute + 20 * second, "3m20s"],
    [10 * minute + 20 * second, "10m"],
    [179 * minute, "179m"],
    [3 * hour + 5 * minute, "3h5m"],
    [8 * hour + 5 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day + 3 * hour, "2d3h"],
    [8 * day + 3 * hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [800 * day, "2y70d"],
    [3000 * day, "8y"],
  ])("of %d ms", (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });

  it("of no time at all are unknown", () => {
    expect([age(undefined, 0), age(null, 0)]).toEqual(["<unknown>", "<unknown>"]);
  });
});

const object = {
  spec: { replicas: 2, list: [1, 2, 3, 4], nested: { a: { x: 1 }, b: { x: 2 } } },
  metadata: { annotations: { "example.com/a": "v" }, labels: { "a.b": "c" } },
  status: {
    conditions: [
      { type: "Ready", status: "True", weight: 3 },
      { type: "Synced", status: "False", weight: 5 },
    ],
  },
};

describe("JSONPath", () => {
  it.each<[string, unknown[]]>([
    [".spec.replicas", [2]],
    ["{.spec.replicas}", [2]],
    ["$.spec.replicas", [2]],
    [".spec.missing.more", []],
    [".spec.list[0]", [1]],
    [".spec.list[-1]", [4]],
    [".spec.list[1:3]", [2, 3]],
    [".spec.list[::2]", [1, 3]],
    [".spec.list[*]", [1, 2, 3, 4]],
    [".spec.nested.*.x", [1, 2]],
    ["..x", [1, 2]],
    ["['spec']['replicas']", [2]],
    [".metadata.annotations.example\\.com/a", ["v"]],
    [".metadata.labels['a\\.b']", ["c"]],
    ['.status.conditions[?(@.type=="Ready")].status', ["True"]],
    [".status.conditions[?(@.type != 'Ready')].status", ["False"]],
    [".status.conditions[?(@.weight>3)].type", ["Synced"]],
    [".status.conditions[?(@.weight)].type", ["Ready", "Synced"]],
    [".__proto__", []],
    [".constructor", []],
  ])("%s", (path, expected) => {
    expect(jsonPath(path)(object)).toEqual(expected);
  });

  it.each([".a[", ".a[?(@.b==)]", ".a[x]", ".a b", ".a[?(process.exit())]"])("%s is refused", (path) => {
    expect(() => jsonPath(path)).toThrow();
  });
});

describe("columns of custom resources", () => {
  const cells = (type: string, path: string): unknown => {
    const [, column] = columnsFromCrd([{ name: "X", type, jsonPath: path }]);
    return column!.cell(
      { ...object, at: "2026-01-01T00:00:00Z" } as unknown as ApiObject,
      Date.parse("2026-01-01T00:05:00Z"),
    );
  };

  it.each<[string, string, unknown]>([
    ["integer", ".spec.replicas", 2],
    ["string", ".spec.replicas", "2"],
    ["string", ".spec.list", "[1,2,3,4]"],
    ["boolean", ".spec.replicas", null],
    ["date", ".at", "5m"],
    ["date", ".metadata.labels['a.b']", "<invalid>"],
    ["string", ".spec.missing", null],
  ])("%s %s", (type, path, expected) => {
    expect(cells(type, path)).toEqual(expected);
  });

  it("are name and age where the definition names none", () => {
    expect(columnsFromCrd(undefined).map((column) => column.name)).toEqual(["Name", "Age"]);
    expect(columnsFromCrd([{ name: "X", type: "string", jsonPath: ".a" }]).map((column) => column.name)).toEqual([
      "Name",
      "X",
    ]);
  });
});
