/** Requests as they come in pieces. */
import { expect, test } from "vitest";
import { answerBytes, RequestReader } from "../../../cni/wire.ts";
import fc from "../../fixtures/property.ts";

function requestBytes(environment: Buffer, stdin: Buffer): Buffer {
  const header = Buffer.from("FLC1........");
  header.writeUInt32LE(environment.length, 4);
  header.writeUInt32LE(stdin.length, 8);
  return Buffer.concat([header, environment, stdin]);
}

const texts = fc.string().map((text) => text.replaceAll("\0", ""));
const environments = fc.dictionary(fc.constantFrom("CNI_COMMAND", "CNI_ARGS", "CNI_PATH"), texts, { minKeys: 1 });

test("a request is the same however it is cut, and whole with its last byte alone", () => {
  fc.assert(
    fc.property(environments, fc.uint8Array(), fc.array(fc.nat()), (environment, stdin, cuts) => {
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
      const bytes = requestBytes(Buffer.from(variables.join("")), Buffer.from(stdin));
      const places = [...new Set(cuts.map((cut) => cut % bytes.length)), bytes.length].sort((a, b) => a - b);
      const reader = new RequestReader();
      const calls = places.map((place, i) => reader.push(bytes.subarray(places[i - 1] ?? 0, place)));
      expect(calls.slice(0, -1).every((call) => call === undefined)).toBe(true);
      const call = calls.at(-1)!;
      expect(Object.fromEntries(call.environment)).toEqual(environment);
      expect(Buffer.from(call.stdin)).toEqual(Buffer.from(stdin));
    }),
  );
});

test("what is no request is refused with its header", () => {
  const reader = new RequestReader();
  expect(() => reader.push(Buffer.from("GET / HTTP/1.1"))).toThrow(RangeError);
  expect(() => new RequestReader().push(requestBytes(Buffer.alloc(0), Buffer.from("{}")))).toThrow(RangeError);
  const long = requestBytes(Buffer.from("A=\0"), Buffer.alloc(0));
  long.writeUInt32LE(5 << 20, 8);
  expect(() => new RequestReader().push(long)).toThrow(RangeError);
});

test("an answer has its exit code, its length and its text", () => {
  const bytes = answerBytes({ exitCode: 1, stdout: '{"é":1}' });
  expect([
    bytes.toString("latin1", 0, 4),
    bytes.readUInt32LE(4),
    bytes.readUInt32LE(8),
    bytes.toString("utf8", 12),
  ]).toEqual(["FLC1", 1, 8, '{"é":1}']);
});
