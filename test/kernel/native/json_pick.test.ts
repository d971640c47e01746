/** What the add-on picks of a list is what is read of it here, byte by byte, by who reads it without help. */
import { describe, expect, it } from "vitest";
import { JsonFields } from "../../../src/api/json_fields.ts";
import { readList } from "../../../src/api/http/list_reader.ts";
import { native } from "../../../src/kernel/native.ts";
import fc from "../../fixtures/property.ts";

const fields = new JsonFields({ a: true, b: { a: true, c: { a: true } }, "label/name": true, c: { b: true } });
const name = fc.oneof(fc.constantFrom("a", "b", "c", "label/name", "items", 'a"b', "ä"), fc.string());
const text = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constantFrom('"', "\\", "{}", "\u2028", "\n"));
const { any, object } = fc.letrec((tie) => ({
  object: fc.dictionary(name, tie("any"), { maxKeys: 6 }),
  any: fc.oneof(
    { depthSize: "medium" },
    fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie("any"), { maxLength: 4 }),
    tie("object"),
  ),
}));
const list = fc.record({ kind: any, metadata: object, items: fc.array(object, { maxLength: 5 }), z: any });

/** Small ones are not given to anybody: spaces in front make them large. */
const large = " ".repeat(40_000);
let asked = 0;
const pick = (bytes: Buffer, paths: readonly string[]): Promise<Buffer> => {
  asked++;
  return native().pickJsonList(bytes, paths);
};
const paths = ["metadata\nresourceVersion", "items\na"];
const picked = async (json: string): Promise<string> =>
  (await native().pickJsonList(Buffer.from(json), paths)).toString();

describe("fields of a list that the add-on picks", () => {
  for (const space of [0, 2]) {
    it(`are those that are read here, with ${space} spaces between`, async () => {
      asked = 0;
      await fc.assert(
        fc.asyncProperty(list, async (any) => {
          const json = Buffer.from(large + JSON.stringify(any, undefined, space));
          expect(await readList(json, fields, { pick })).toEqual(await readList(json, fields));
        }),
        { numRuns: 300 },
      );
      expect(asked).toBeGreaterThanOrEqual(300);
    });
  }

  it("are given to who makes something of each item", async () => {
    const making = fields.making((item) => JSON.stringify(item));
    const json = Buffer.from(`${large}{"items":[{"a":1,"x":2},{}],"metadata":{"continue":"n","resourceVersion":"7"}}`);
    const answer = { items: ['{"a":1}', "{}"], metadata: { continue: "n", resourceVersion: "7" } };
    const places: string[] = [];
    expect(await readList(json, making, { pick, onNext: (place) => places.push(place) })).toEqual(answer);
    expect(places).toEqual(["n"]);
  });

  it.each([
    ['{"metadata":{"x":[1],"resourceVersion":"1"},"items":[{"a":{"b":[1, "}"]},"b":2},{"a":"\\""}]}', 2],
    ['{ "items" : [ ] , "metadata" : { "resourceVersion" : "1" } }', 0],
    ['{"items":null,"metadata":{"resourceVersion":"1"}}', 0],
    ['{"items":[{"a":[[[1]]]},null,7],"metadata":{"resourceVersion":"1"}}', 3],
  ])("of %s are its lines", async (json, count) => {
    const lines = (await picked(json)).split("\n");
    expect(lines).toHaveLength(count + 1);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ metadata: { resourceVersion: "1" } });
  });

  it.each([
    ["nothing", ""],
    ["no object", "[]"],
    ["an end that lacks", '{"items":[{"a":1}]'],
    ["a text without an end", '{"items":[{"a":"x'],
    ["an escape without an end", '{"items":[{"a":"x\\'],
    ["a name with an escape", '{"items":[{"\\u0061":1}]}'],
    ["a line's end in a value", '{"items":[{"a":[1,\n2]}]}'],
    ["two lists", '{"items":[{}],"items":[{}]}'],
    ["what follows it", '{"items":[]} {}'],
    ["no comma", '{"items":[{"a":1}{}]}'],
    ["no value", '{"items":[{"a":}]}'],
  ])("are refused of %s", async (_, json) => {
    await expect(picked(json)).rejects.toMatchObject({ code: "EINVAL", syscall: "pickJsonList" });
  });

  it("are refused of arrays that go too deep to be walked, and of any depth where they are copied", async () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    const within = ["items\na\nb"];
    const pickWithin = (json: string) => native().pickJsonList(Buffer.from(json), within);
    await expect(pickWithin(`{"items":[{"a":${nested(100_000)}}]}`)).rejects.toMatchObject({ code: "EINVAL" });
    expect((await pickWithin(`{"items":[{"a":{"b":${nested(100_000)}}}]}`)).length).toBeGreaterThan(200_000);
  });
});
