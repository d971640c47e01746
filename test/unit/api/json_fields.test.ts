/** What is read of a JSON text is what JSON.parse would give, without the fields that are not wanted. */
import { describe, expect, it } from "vitest";
import { JsonFields } from "../../../src/api/json_fields.ts";
import fc from "../../fixtures/property.ts";

function wantedOf(value: unknown, names: object | true): unknown {
  if (names === true || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => wantedOf(item, names));
  const wanted = Object.entries(value).filter(([name]) => Object.hasOwn(names, name));
  return Object.fromEntries(
    wanted.map(([name, of]) => [name, wantedOf(of, (names as Record<string, object | true>)[name]!)]),
  );
}

const names = { a: true, b: { a: true, c: { a: true } }, "label/name": true, c: { b: true } } as const;
const name = fc.oneof(fc.constantFrom("a", "b", "c", "label/name", 'a"b', "ä"), fc.string());
const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constantFrom('"', "\\", "{}", "\u2028"));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "medium" },
    fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(name, tie("any"), { maxKeys: 6 }),
  ),
})).any;

describe("fields of a JSON text", () => {
  it("are given to who makes something of each object, in its place", () => {
    const items = new JsonFields({ a: true }).making((object) => JSON.stringify(object));
    const list = new JsonFields({ items, other: items });
    const text = '{"items":[{"a":1,"b":{"a":2}},{},{"b":3},7],"other":{"a":{"c":4}}}';
    expect(list.read(Buffer.from(text))).toEqual({ items: ['{"a":1}', "{}", "{}", 7], other: '{"a":{"c":4}}' });
  });

  for (const space of [0, 2, "\t"]) {
    it(`are what JSON.parse gives, with ${JSON.stringify(space)} between`, () => {
      fc.assert(
        fc.property(value, (any) => {
          const json = JSON.stringify(any, undefined, space);
          const parsed: unknown = JSON.parse(json);
          expect(new JsonFields(names).read(Buffer.from(json))).toEqual(wantedOf(parsed, names));
        }),
        { numRuns: 300 },
      );
    });
  }

  it.each([
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"\\u0061":"\\u00e4"}', { a: "ä" }],
    [' { "a" : -1.5e3 , "x" : [ 1 , { "a" : "}" } ] } ', { a: -1500 }],
    ['{"a":{"__proto__":1}}', JSON.parse('{"a":{"__proto__":1}}')],
    ['{"b":[{"a":1,"x":"\\\\"},null,"t"]}', { b: [{ a: 1 }, null, "t"] }],
    ["null", null],
  ])("of %s", (json, expected) => {
    expect(new JsonFields(names).read(Buffer.from(json))).toEqual(expected);
  });

  it.each(["", "{", '{"a":1', '{"a" 1}', '{"a":}', '{"x":"', "[1 2]", "{} {}", '{"a":tru}', '{"x":}', "]"])(
    "are no fields of %j",
    (json) => expect(() => new JsonFields(names).read(Buffer.from(json))).toThrow(SyntaxError),
  );
});
