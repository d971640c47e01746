/** JSON patch (RFC 6902) and JSON merge patch (RFC 7396). */
import fc from "../../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import { jsonPatch, maxOperations } from "../../../../src/controlplane/apiserver/patch/json_patch.ts";
import { mergePatch } from "../../../../src/controlplane/apiserver/patch/merge.ts";
import { ApiError } from "../../../../src/controlplane/apiserver/status.ts";

function codeOf(act: () => unknown): number {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
  return 200;
}

describe("JSON patch", () => {
  it.each([
    ["adds a member", { a: 1 }, [{ op: "add", path: "/b", value: 2 }], { a: 1, b: 2 }],
    ["replaces a member by adding it", { a: 1 }, [{ op: "add", path: "/a", value: 2 }], { a: 2 }],
    ["inserts into an array", { a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    ["appends to an array", { a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    [
      "removes",
      { a: [1, 2], b: 1 },
      [
        { op: "remove", path: "/a/0" },
        { op: "remove", path: "/b" },
      ],
      { a: [2] },
    ],
    ["replaces", { a: { b: 1 } }, [{ op: "replace", path: "/a/b", value: [] }], { a: { b: [] } }],
    ["replaces the whole", { a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
    ["moves", { a: { b: 1 }, c: {} }, [{ op: "move", from: "/a/b", path: "/c/d" }], { a: {}, c: { d: 1 } }],
    ["copies", { a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
    [
      "copies apart",
      { a: { b: 1 } },
      [
        { op: "copy", from: "/a", path: "/c" },
        { op: "add", path: "/c/b", value: 2 },
      ],
      { a: { b: 1 }, c: { b: 2 } },
    ],
    ["tests", { a: { b: [1] } }, [{ op: "test", path: "/a", value: { b: [1] } }], { a: { b: [1] } }],
    ["takes what is not there for null", { a: {} }, [{ op: "test", path: "/a/b", value: null }], { a: {} }],
    [
      "knows escapes",
      { "a/b": 1, "m~n": 2 },
      [
        { op: "remove", path: "/a~1b" },
        { op: "remove", path: "/m~0n" },
      ],
      {},
    ],
    [
      "knows names of prototypes",
      { a: {} },
      [{ op: "add", path: "/a/constructor", value: "x" }],
      { a: { constructor: "x" } },
    ],
  ])("%s", (_what, document, patch, result) => {
    expect(jsonPatch(structuredClone(document), patch)).toEqual(result);
  });

  it.each([
    ["what is not there to remove", [{ op: "remove", path: "/b" }], 422],
    ["what is not there to replace", [{ op: "replace", path: "/b", value: 1 }], 422],
    ["a parent that is not there", [{ op: "add", path: "/b/c", value: 1 }], 422],
    ["an inherited member", [{ op: "add", path: "/constructor/x", value: 1 }], 422],
    ["a prototype", [{ op: "add", path: "/__proto__/x", value: 1 }], 422],
    ["another value", [{ op: "test", path: "/a", value: [2] }], 422],
    ["an index beyond", [{ op: "add", path: "/a/2", value: 1 }], 422],
    ["an index with zeros", [{ op: "add", path: "/a/00", value: 1 }], 422],
    ["a negative index", [{ op: "remove", path: "/a/-1" }], 422],
    ["a path without its slash", [{ op: "add", path: "a", value: 1 }], 422],
    ["no value", [{ op: "add", path: "/b" }], 422],
    ["no source", [{ op: "copy", path: "/b" }], 422],
    ["an operation of another name", [{ op: "merge", path: "/a", value: 1 }], 422],
    ["a move into itself", [{ op: "move", from: "/a", path: "/a/b" }], 422],
    ["no list", { op: "add" }, 400],
    [
      "too many operations",
      Array.from({ length: maxOperations + 1 }, () => ({ op: "test", path: "/a", value: [1] })),
      413,
    ],
  ])("refuses %s", (_what, patch, code) => {
    expect(codeOf(() => jsonPatch({ a: [1] }, patch))).toBe(code);
  });

  it("does not let copies of copies grow without bound", () => {
    const patch = Array.from({ length: 64 }, (_, i) => ({ op: "copy", from: "", path: `/c${i}` }));
    expect(codeOf(() => jsonPatch({ a: "x".repeat(100) }, patch))).toBe(422);
  });

  it("gives a value or a refusal for whatever comes", () => {
    const segment = fc.constantFrom("a", "0", "-", "__proto__", "constructor", "toString", "");
    const path = fc.array(segment, { maxLength: 4 }).map((all) => all.map((one) => `/${one}`).join(""));
    const op = fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "?");
    const operation = fc.record(
      { op, path, from: path, value: fc.jsonValue({ maxDepth: 2 }) },
      { requiredKeys: ["op"] },
    );
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.array(operation, { maxLength: 5 }), (document, patch) => {
        expect([200, 400, 422]).toContain(codeOf(() => jsonPatch(structuredClone(document), structuredClone(patch))));
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});

describe("JSON merge patch", () => {
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [["a"], ["c"], ["c"]],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j is %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  it("keeps names of prototypes as plain members", () => {
    const result = mergePatch({}, JSON.parse('{"__proto__":{"x":1},"constructor":{"y":2}}'));
    expect(JSON.stringify(result)).toBe('{"__proto__":{"x":1},"constructor":{"y":2}}');
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});
