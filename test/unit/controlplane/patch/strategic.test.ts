/** Strategic merge patch: merge keys, directives, order (sig-api-machinery/strategic-merge-patch.md). */
import fc from "../../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import { strategicMergePatch } from "../../../../src/controlplane/apiserver/patch/strategic/strategic.ts";
import { ApiError } from "../../../../src/controlplane/apiserver/status.ts";

const pod = (containers: object[], more: object = {}) => ({ spec: { containers, ...more } });
const a = { name: "a", image: "1" };
const b = { name: "b", image: "1" };
const c = { name: "c", image: "1" };

describe("a strategic merge patch", () => {
  it.each([
    ["merges by key", pod([a, b]), pod([{ name: "b", image: "2" }]), pod([a, { name: "b", image: "2" }])],
    ["adds in front of what it does not name", pod([a]), pod([b]), pod([b, a])],
    ["deletes by key", pod([a, b]), pod([{ $patch: "delete", name: "a" }]), pod([b])],
    ["replaces a list", pod([a, b]), pod([{ $patch: "replace" }, c]), pod([c])],
    ["replaces a list by one with two of a key", pod([a, b]), pod([c, a, { $patch: "replace" }, c]), pod([c, a, c])],
    ["deletes a field by null", pod([a], { nodeName: "x" }), { spec: { nodeName: null } }, pod([a])],
    ["drops nulls of what it adds", pod([a]), pod([{ name: "b", image: null }]), pod([{ name: "b" }, a])],
    [
      "replaces a map",
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { $patch: "replace", b: "2" } } },
      { metadata: { labels: { b: "2" } } },
    ],
    [
      "empties a map",
      { metadata: { labels: { a: "1" } } },
      { metadata: { labels: { $patch: "delete" } } },
      { metadata: { labels: {} } },
    ],
    [
      "replaces lists that do not merge",
      pod([{ ...a, args: ["x", "y"] }]),
      pod([{ name: "a", args: ["z"] }]),
      pod([{ ...a, args: ["z"] }]),
    ],
    [
      "merges sets of scalars",
      { metadata: { finalizers: ["x/a", "x/b"] } },
      { metadata: { finalizers: ["x/c"] } },
      { metadata: { finalizers: ["x/c", "x/a", "x/b"] } },
    ],
    [
      "deletes from sets",
      { metadata: { finalizers: ["x/a", "x/b"] } },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["x/a"] } },
      { metadata: { finalizers: ["x/b"] } },
    ],
    [
      "orders a list",
      pod([a, b, c]),
      { spec: { "$setElementOrder/containers": [{ name: "c" }, { name: "a" }] } },
      pod([b, c, a]),
    ],
    [
      "orders a list that it changes",
      pod([a, b]),
      {
        spec: {
          "$setElementOrder/containers": [{ name: "b" }, { name: "a" }],
          containers: [{ name: "a", image: "2" }],
        },
      },
      pod([b, { name: "a", image: "2" }]),
    ],
    [
      "orders a set",
      { metadata: { finalizers: ["x/a", "x/b"] } },
      { metadata: { "$setElementOrder/finalizers": ["x/b", "x/a"] } },
      { metadata: { finalizers: ["x/b", "x/a"] } },
    ],
    [
      "keeps only the keys it retains",
      pod([], { volumes: [{ name: "v", emptyDir: {} }] }),
      pod([], { volumes: [{ name: "v", $retainKeys: ["name", "hostPath"], hostPath: { path: "/" } }] }),
      pod([], { volumes: [{ name: "v", hostPath: { path: "/" } }] }),
    ],
    [
      "finds ports by their number alone",
      pod([{ ...a, ports: [{ containerPort: 1, protocol: "UDP" }] }]),
      pod([{ name: "a", ports: [{ containerPort: 1, name: "x" }] }]),
      pod([{ ...a, ports: [{ containerPort: 1, protocol: "UDP", name: "x" }] }]),
    ],
    [
      "adds no directives",
      { spec: {} },
      { spec: { containers: [a, { $patch: "delete", name: "b" }], "$setElementOrder/containers": [{ name: "a" }] } },
      pod([a]),
    ],
  ])("%s", (_what, object, patch, result) => {
    const before = structuredClone([object, patch]);
    expect(strategicMergePatch("V1Pod", object, patch)).toEqual(result);
    expect([object, patch]).toEqual(before);
  });

  it.each([
    [
      "an item without its key",
      pod([{ image: "x" }]),
      400,
      "map: map[image:x] does not contain declared merge key: name",
    ],
    [
      "another directive",
      pod([{ $patch: "x", name: "a" }]),
      400,
      "unknown patch type [x] in map: map[$patch:x name:a]",
    ],
    [
      "a merge directive in a list",
      pod([{ $patch: "merge", name: "a" }]),
      400,
      "merging lists cannot yet be specified in the patch",
    ],
    [
      "an order that misses an item",
      { spec: { "$setElementOrder/containers": [{ name: "b" }], containers: [a] } },
      400,
      "doesn't match $setElementOrder list",
    ],
    [
      "an order that is no list",
      { spec: { "$setElementOrder/containers": 1 } },
      400,
      "invalid patch format of setElementOrder list",
    ],
    ["retained keys that are no list", { spec: { $retainKeys: "x" } }, 400, "invalid patch format of retainKeys"],
    [
      "a field that is not retained",
      { spec: { $retainKeys: ["containers"], nodeName: "x" } },
      400,
      "patch content doesn't match retainKeys list",
    ],
    ["scalars among objects", pod(["x" as unknown as object]), 400, "list element types are not identical"],
  ])("refuses %s", (_what, patch, code, message) => {
    const error = refusal(() => strategicMergePatch("V1Pod", pod([a]), patch));
    expect([error?.code, error?.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it("gives a value or a refusal for whatever comes, and touches no prototype", () => {
    const names = [
      "spec",
      "containers",
      "name",
      "metadata",
      "finalizers",
      "$patch",
      "$retainKeys",
      "$setElementOrder/containers",
      "$deleteFromPrimitiveList/finalizers",
      "__proto__",
      "constructor",
    ];
    const key = fc.constantFrom(...names);
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, 1, "a", "delete", "replace"),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const object = pod([a, b], { volumes: [{ name: "v" }] });
    fc.assert(
      fc.property(value, (spec) => {
        const error = refusal(() => strategicMergePatch("V1Pod", object, { spec, metadata: spec }));
        if (error) expect(error.code).toBeLessThan(500);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});

function refusal(act: () => unknown): ApiError | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
