import fc from "../../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import { compile } from "../../../../src/controlplane/apiserver/customresources/schema/compile.ts";
import { setDefaults } from "../../../../src/controlplane/apiserver/customresources/schema/defaults.ts";
import { hasFormat } from "../../../../src/controlplane/apiserver/customresources/schema/formats.ts";
import type { JsonSchema } from "../../../../src/controlplane/apiserver/customresources/schema/json_schema.ts";
import { prune } from "../../../../src/controlplane/apiserver/customresources/schema/prune.ts";
import { validateValue } from "../../../../src/controlplane/apiserver/customresources/schema/validate.ts";

/** Structural schemas of a few levels, and values that fit them more or less. */
const names = fc.constantFrom("a", "b", "c", "d");
const schemas: fc.Memo<JsonSchema> = fc.memo((depth) => {
  const scalar = fc.oneof(
    fc.record({ type: fc.constant("string"), default: fc.constant("x") }),
    fc.record({ type: fc.constant("integer"), nullable: fc.boolean() }),
    fc.constant<JsonSchema>({ type: "boolean" }),
    fc.constant<JsonSchema>({ type: "object", "x-kubernetes-preserve-unknown-fields": true }),
  );
  if (depth <= 1) return scalar;
  const inner = schemas(depth - 1);
  return fc.oneof(
    scalar,
    fc.record({ type: fc.constant("array"), items: inner }),
    fc.record({ type: fc.constant("object"), properties: fc.dictionary(names, inner), default: fc.constant({}) }),
    fc.record({ type: fc.constant("object"), additionalProperties: inner }),
  );
});
const roots = fc.dictionary(names, schemas(4)).map((properties): JsonSchema => ({ type: "object", properties }));
const values = fc.dictionary(names, fc.jsonValue({ maxDepth: 4 }));

describe("pruning and defaulting", () => {
  it("change nothing when they are done again", () => {
    fc.assert(
      fc.property(roots, values, (raw, value) => {
        const schema = compile(raw);
        const once = structuredClone(value) as Record<string, unknown>;
        prune(once, schema, false);
        setDefaults(once, schema);
        const twice = structuredClone(once);
        expect(prune(twice, schema, false)).toEqual([]);
        setDefaults(twice, schema);
        expect(twice).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });

  it("keep what is known, and tell the paths of what goes", () => {
    const schema = compile({
      type: "object",
      properties: {
        list: { type: "array", items: { type: "object", properties: { a: { type: "string" } } } },
        map: { type: "object", additionalProperties: { type: "object", properties: { a: { type: "string" } } } },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties: { b: { type: "object" } } },
      },
    });
    const value = {
      apiVersion: "v1",
      kind: "K",
      metadata: { name: "x" },
      list: [{ a: "1", b: 2 }],
      map: { k: { a: "1", c: 3 } },
      free: { x: 1, b: { y: 2 } },
      gone: true,
    };
    expect(prune(value, schema, true)).toEqual(["list[0].b", "map.k.c", "free.b.y", "gone"]);
    expect(value).toEqual({
      apiVersion: "v1",
      kind: "K",
      metadata: { name: "x" },
      list: [{ a: "1" }],
      map: { k: { a: "1" } },
      free: { x: 1, b: {} },
    });
  });

  it("treat a null that is not allowed as lacking", () => {
    const schema = compile({
      type: "object",
      properties: {
        a: { type: "string", default: "x" },
        b: { type: "string" },
        c: { type: "string", nullable: true, default: "x" },
      },
    });
    const value = { a: null, b: null, c: null };
    setDefaults(value, schema);
    expect(value).toEqual({ a: "x", c: null });
  });
});

describe("values against a schema", () => {
  const told = (schema: JsonSchema, value: unknown, old?: unknown): string[] =>
    validateValue(value, compile(schema), old, "spec.x").map(({ field, message }) => `${field!}: ${message}`);

  it.each<[JsonSchema, unknown, string]>([
    [{ type: "string" }, 1, 'Invalid value: "integer": spec.x in body must be of type string: "integer"'],
    [{ type: "integer" }, 1.5, 'Invalid value: "number": spec.x in body must be of type integer: "number"'],
    [{ type: "string" }, null, 'Invalid value: "null": spec.x in body must be of type string: "null"'],
    [{ type: "string", minLength: 2 }, "a", 'Invalid value: "a": spec.x in body should be at least 2 chars long'],
    [{ type: "string", maxLength: 2 }, "abc", "Too long: may not be more than 2 bytes"],
    [{ type: "string", pattern: "^a+$" }, "b", `Invalid value: "b": spec.x in body should match '^a+$'`],
    [{ type: "string", format: "ipv4" }, "x", 'Invalid value: "x": spec.x in body must be of type ipv4: "x"'],
    [
      { type: "integer", minimum: 3, exclusiveMinimum: true },
      3,
      "Invalid value: 3: spec.x in body should be greater than 3",
    ],
    [{ type: "number", multipleOf: 0.1 }, 0.25, "Invalid value: 0.25: spec.x in body should be a multiple of 0.1"],
    [{ type: "array", maxItems: 1, items: { type: "string" } }, ["a", "b"], "Too many: 2: must have at most 1 items"],
    [{ type: "object", minProperties: 1 }, {}, "Invalid value: 0: spec.x in body should have at least 1 properties"],
    [{ type: "string", enum: ["a"] }, "b", 'Unsupported value: "b": supported values: "a"'],
  ])("%j does not take %j", (schema, value, words) => {
    expect(told(schema, value)).toEqual([`spec.x: ${words}`]);
  });

  it("names items and keys that stand there twice", () => {
    const set: JsonSchema = { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } };
    expect(told(set, ["a", "b", "a"])).toEqual(['spec.x[2]: Duplicate value: "a"']);
    const map: JsonSchema = {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: { type: "object", properties: { k: { type: "string" }, v: { type: "integer" } } },
    };
    expect(
      told(map, [
        { k: "a", v: 1 },
        { k: "a", v: 2 },
      ]),
    ).toEqual(['spec.x[1]: Duplicate value: {"k":"a"}']);
  });

  it("judges junctors", () => {
    const one: JsonSchema = { type: "object", oneOf: [{ required: ["a"] }, { required: ["b"] }] };
    expect(told(one, { a: 1 })).toEqual([]);
    expect(told(one, { a: 1, b: 1 })).toEqual([
      '<nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ]);
    expect(told({ type: "integer", not: { minimum: 3 } }, 4)).toEqual([
      '<nil>: Invalid value: "": "spec.x" must not validate the schema (not)',
    ]);
  });

  it("does not judge again what an update leaves as it was", () => {
    const schema: JsonSchema = {
      type: "object",
      properties: { a: { type: "string", pattern: "^x" }, b: { type: "string" } },
    };
    expect(told(schema, { a: "wrong", b: "2" }, { a: "wrong", b: "1" })).toEqual([]);
    expect(told(schema, { a: "other", b: "1" }, { a: "wrong", b: "1" })).toHaveLength(1);
  });

  it("matches in linear time", () => {
    const started = performance.now();
    expect(told({ type: "string", pattern: "^(a+)+$" }, `${"a".repeat(50_000)}!`)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe("formats", () => {
  it.each([
    ["date-time", "2020-01-02T03:04:05Z", "2020-13-02T03:04:05Z"],
    ["date", "2020-02-29", "2021-02-29"],
    ["duration", "1h30m", "soon"],
    ["cidr", "10.0.0.0/8", "10.0.0.0/33"],
    ["ipv6", "2001:db8::1", "10.0.0.1"],
    ["uuid", "2f1b2a9e-9f0f-4a0c-8f67-8e3b8c1f0a11", "2f1b"],
    ["byte", "YWJj", "a"],
    ["hostname", "a.example.com", "-a"],
    ["uri", "https://example.com/x", "not a uri"],
    ["email", "a@example.com", "a"],
    ["creditcard", "4111111111111111", "4111111111111112"],
    ["isbn", "0-306-40615-2", "0-306-40615-3"],
  ])("%s: %s is one, %s is not", (format, right, wrong) => {
    expect([hasFormat(right, format), hasFormat(wrong, format)]).toEqual([true, false]);
  });

  it("that nobody knows hold any value", () => {
    expect(hasFormat("x", "whatever")).toBe(true);
  });
});
