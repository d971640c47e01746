/** Values for any codec, made from its shape, so that no codec needs a generator of its own. */
import fc from "../../fixtures/property.ts";
import { ipText, macText } from "../../../src/model/address.ts";
import type { Codec, Shape } from "../../../src/kernel/netlink/codec/codec.ts";

/** Lists and unions below this depth take their smallest value, so that recursive shapes end. */
const maxDepth = 4;

export function valuesOf<T>(codec: Codec<T>): fc.Arbitrary<T> {
  return fromShape(codec.shape, 0) as fc.Arbitrary<T>;
}

function fromShape(shape: Shape, depth: number): fc.Arbitrary<unknown> {
  switch (shape.type) {
    case "uint":
      return fc.nat({ max: 2 ** shape.bits - 1 }).map((n) => n >>> 0);
    case "sint":
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case "bigint":
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case "boolean":
      return fc.boolean();
    case "bytes":
      return bytesOf(shape.min, Math.max(shape.min, Math.min(shape.max, 64)));
    case "text":
      return fc.string({ maxLength: Math.min(shape.maxBytes, 24), unit: fc.constantFrom(..."abcXYZ019-_./ ") });
    case "ip":
      return fc.constantFrom(...shape.lengths).chain((size) => bytesOf(size, size).map((b) => ipText(b)));
    case "mac":
      return bytesOf(6, 6).map((b) => macText(b));
    case "present":
      return fc.constant(true);
    case "padding":
      throw new Error("padding is no value");
    case "enum":
      return fc.constantFrom(...shape.names);
    case "flags":
      return fc.subarray([...shape.names]);
    case "record":
      return recordOf(shape, depth);
    case "merged":
      return fc
        .tuple(...shape.parts.map((part) => fromShape(part, depth)))
        .map((parts) => Object.assign({}, ...(parts as object[])) as unknown);
    case "list":
      return fc.array(
        fc.constant(null).chain(() => fromShape(shape.item(), depth + 1)),
        { minLength: shape.min, maxLength: depth >= maxDepth ? shape.min : shape.max },
      );
    case "tagged":
      return taggedOf(shape, depth);
  }
}

function bytesOf(min: number, max: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength: min, maxLength: max }).map((b) => Buffer.from(b));
}

function recordOf(shape: Shape & { type: "record" }, depth: number): fc.Arbitrary<unknown> {
  const entries = Object.entries(shape.fields).map(([name, field]): [string, fc.Arbitrary<unknown>] => [
    name,
    fc.constant(null).chain(() => fromShape(field, depth + 1)),
  ]);
  const keep = depth >= maxDepth ? [] : entries;
  if (shape.optional) return fc.record(Object.fromEntries(keep), { requiredKeys: [], noNullPrototype: true });
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true });
}

function taggedOf(shape: Shape & { type: "tagged" }, depth: number): fc.Arbitrary<unknown> {
  return fc.constantFrom(...Object.keys(shape.variants)).chain((name) =>
    fromShape(shape.variants[name]!(), depth + 1).map((value) => ({
      [shape.tag]: name,
      ...(value as object),
    })),
  );
}
