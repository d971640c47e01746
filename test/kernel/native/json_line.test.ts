/** What the add-on says in a line of an object is what is kept of that object, whatever it is like. */
import { describe, expect, it } from "vitest";
import { readList } from "../../../src/api/http/list_reader.ts";
import { JsonFields } from "../../../src/api/json_fields.ts";
import {
  anything,
  firstText,
  onlyText,
  rowOfEach,
  starWhere,
  usually,
  wholeNumber,
  word,
} from "../../../src/api/line_form.ts";
import { native } from "../../../src/kernel/native.ts";
import type { EndpointSlice, KubeObject, Service } from "../../../src/model/kubernetes.ts";
import { serviceFields, sliceFields } from "../../../src/proxy/agent/keep.ts";
import { keptService, keptServiceLine, keptSlice, keptSliceLine, type Kept } from "../../../src/proxy/agent/kept.ts";
import fc from "../../fixtures/property.ts";
import { anyService, anySlice } from "../../fixtures/service_arbitraries.ts";

/** Small lists are not given to anybody: spaces in front make them large. */
const large = " ".repeat(40_000);
const node = "node-1";
const space = fc.constantFrom(0, 1);
const pick = (bytes: Buffer, paths: readonly string[]): Promise<Buffer> => native().pickJsonList(bytes, paths);

function listOf(items: readonly object[], spaces: number): Buffer {
  return Buffer.from(large + JSON.stringify({ metadata: { resourceVersion: "1" }, items }, undefined, spaces));
}

const odd = fc.constantFrom("a b", "%", "ä", '"', "{", "");
/** Of names and versions: nearly always plain. */
const called = fc.record(
  { uid: fc.oneof({ weight: 9, arbitrary: fc.uuid() }, odd), resourceVersion: fc.oneof(fc.nat().map(String), odd) },
  { requiredKeys: ["uid", "resourceVersion"] },
);
function named<T extends KubeObject>(objects: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.tuple(objects, called).map(([object, more]) => ({ ...object, metadata: { ...object.metadata, ...more } }));
}

interface Reading<T extends KubeObject> {
  readonly fields: JsonFields;
  readonly keep: (object: T) => Kept<T>;
  readonly keepLine: (line: string) => Kept<T>;
}

/** @returns how many of all came as lines */
async function countLines<T extends KubeObject>(objects: fc.Arbitrary<T>, reading: Reading<T>): Promise<number> {
  const { fields, keep, keepLine } = reading;
  let lines = 0;
  const making = fields.making(
    (object) => keep(object as T),
    (line) => {
      lines++;
      return keepLine(line);
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(named(objects), { maxLength: 5 }), space, async (items, spaces) => {
      const { items: found } = await readList<Kept<T>>(listOf(items, spaces), making, { pick });
      expect(found?.map(said)).toEqual(items.map((item) => said(keep(item))));
    }),
    { numRuns: 300 },
  );
  return lines;
}

function said<T extends KubeObject>({ kind, owner, usualText, object }: Kept<T>) {
  return { kind, owner, usualText, object };
}

describe("lines of objects", () => {
  it("say of Services what is kept of them", async () => {
    const reading: Reading<Service> = { fields: serviceFields, keep: keptService, keepLine: keptServiceLine };
    expect(await countLines(anyService, reading)).toBeGreaterThan(100);
  });

  it("say of EndpointSlices what is kept of them", async () => {
    const reading: Reading<EndpointSlice> = {
      fields: sliceFields(node),
      keep: (slice) => keptSlice(slice, node),
      keepLine: (line) => keptSliceLine(line, node),
    };
    expect(await countLines(anySlice, reading)).toBeGreaterThan(100);
  });
});

const fields = new JsonFields({
  a: word,
  b: { c: usually("x"), d: usually(0), e: anything, f: true },
  g: onlyText,
  h: rowOfEach({ i: wholeNumber, j: word, k: starWhere("me"), l: { m: word } }),
  n: firstText,
});
const paths = ["metadata\nresourceVersion", "items\teach", ...fields.paths(true).map((path) => `items\n${path}`)];
const whole = { g: ["g"], h: [{ i: 1 }], n: ["n"] };

async function lineOf(json: string): Promise<string> {
  const list = Buffer.from(`{"items":[${json}],"metadata":{"resourceVersion":"1"}}`);
  return (await native().pickJsonList(list, paths)).toString().split("\n")[0]!;
}

describe("a line", () => {
  it.each([
    [{ ...whole }, " g 1 n"],
    [{ n: ["n", "o", 1], z: [{}], h: [{ i: 1 }], a: "A-_.:+9", g: ["g"] }, "A-_.:+9 g 1 n"],
    [{ ...whole, b: { c: "x", d: 0, e: [{}], z: 1 } }, " g 1 n"],
    [
      {
        ...whole,
        h: [
          { i: 0, j: "" },
          { l: { m: "m" }, i: 999_999_999 },
        ],
      },
      " g 0/,999999999//m n",
    ],
    [
      {
        ...whole,
        h: [
          { i: 1, k: "me", j: "j" },
          { i: 2, k: "you" },
        ],
      },
      " g *1/j,2 n",
    ],
  ])("of %j is its words", async (object, line) => {
    expect(await lineOf(JSON.stringify(object))).toBe(line);
    expect(await lineOf(JSON.stringify(object, undefined, 2))).toBe(line);
  });

  it.each([
    ["a field of which nothing is said", { ...whole, b: { f: 1 } }],
    ["one that is otherwise than usual", { ...whole, b: { c: "y" } }],
    ["null for an object", { ...whole, b: null }],
    ["null for a word", { ...whole, a: null }],
    ["a number for a word", { ...whole, a: 1 }],
    ["a space in a word", { ...whole, a: "a b" }],
    ["a comma in a word", { ...whole, a: "a,b" }],
    ["a letter beyond ASCII", { ...whole, a: "ä" }],
    ["an escape in a word", { ...whole, a: 'a"' }],
    ["two texts for one", { ...whole, g: ["g", "h"] }],
    ["an empty text that must be there", { ...whole, g: [""] }],
    ["no text", { ...whole, n: [] }],
    ["a field that must be there and is not", { h: whole.h, n: whole.n }],
    ["a number that is no whole one", { ...whole, h: [{ i: 1.5 }] }],
    ["a number below zero", { ...whole, h: [{ i: -1 }] }],
    ["a number of many digits", { ...whole, h: [{ i: 1_000_000_000 }] }],
    ["a text for a number", { ...whole, h: [{ i: "1" }] }],
    ["a row without its number", { ...whole, h: [{ i: 1 }, { j: "j" }] }],
    ["no rows", { ...whole, h: [] }],
    ["a row that is none", { ...whole, h: [1] }],
  ])("is not written of %s: it comes as JSON", async (_, object) => {
    const found = JSON.parse(await lineOf(JSON.stringify(object))) as object;
    expect(found).toEqual(object);
  });

  it.each([
    ["twice a word", '{"a":"a","a":"b","g":["g"],"h":[{"i":1}],"n":["n"]}'],
    ["twice its rows", '{"h":[{"i":2}],"g":["g"],"h":[{"i":1}],"n":["n"]}'],
  ])("is not written of an object that has %s", async (_, json) => {
    expect(await lineOf(json)).toBe(json);
  });

  it("is not mixed up with an item that is no object", async () => {
    await expect(lineOf("7")).rejects.toMatchObject({ code: "EINVAL" });
  });

  it.each(["items\na\tnothing", "items\na\t", "items\na\tusual", "items\na\tword x"])("has no use %j", async (path) => {
    expect(() => native().pickJsonList(Buffer.from("{}"), [path])).toThrow(/argument 'paths'/);
  });
});
