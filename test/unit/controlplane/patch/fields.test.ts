/** Sets of fields: the algebra that ownership rests on, checked against plain sets of paths. */
import fc from "../../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import {
  difference,
  equal,
  intersection,
  parsedFields,
  paths,
  sorted,
  union,
  type FieldSet,
} from "../../../../src/controlplane/apiserver/patch/apply/fields.ts";

const element = fc.constantFrom("f:a", "f:b", 'k:{"name":"x"}', 'v:"y"');

/** Sets of up to three levels; a node without children is a member. */
const node = (depth: number): fc.Arbitrary<FieldSet> =>
  depth === 0
    ? fc.constant({})
    : fc
        .tuple(fc.boolean(), fc.dictionary(element, node(depth - 1), { maxKeys: 3 }))
        .map(([isMember, children]) =>
          Object.keys(children).length > 0 && isMember ? { ".": {}, ...children } : { ...children },
        );
const set = fc.dictionary(element, node(2), { maxKeys: 3 }).map((children): FieldSet => ({ ...children }));

describe("sets of fields", () => {
  const members = (one: FieldSet) => new Set(paths(one));

  it("unite, intersect and differ as sets of paths do", () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        const [mine, theirs] = [members(one), members(other)];
        expect(members(union(one, other))).toEqual(new Set([...mine, ...theirs]));
        expect(members(intersection(one, other))).toEqual(new Set([...mine].filter((path) => theirs.has(path))));
        expect(members(difference(one, other))).toEqual(new Set([...mine].filter((path) => !theirs.has(path))));
      }),
    );
  });

  it("are equal where their members are, and as they were once sorted and read again", () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        expect(equal(one, other)).toBe(JSON.stringify(paths(one)) === JSON.stringify(paths(other)));
        expect(equal(sorted(one), one)).toBe(true);
        expect(equal(parsedFields(JSON.parse(JSON.stringify(one)))!, one)).toBe(true);
      }),
    );
  });

  it("have paths that people read", () => {
    const fields = { "f:spec": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {} }, "v:1": {}, "i:0": {} } };
    expect(paths(fields)).toEqual([".spec[0]", '.spec[containerPort=80,protocol="TCP"]', ".spec[=1]"]);
  });

  it("are read in their canonical form", () => {
    expect(parsedFields({ 'k:{"b":1, "a":2}': {} })).toEqual({ 'k:{"a":2,"b":1}': {} });
  });

  it.each([[{ a: {} }], [{ "f:a": 1 }], [{ "k:x": {} }], [{ "k:[]": {} }], [{ "i:x": {} }], [[]], ["x"], [null]])(
    "are not %j",
    (value) => {
      expect(parsedFields(value)).toBeUndefined();
    },
  );
});
