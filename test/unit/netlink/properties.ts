/** The two properties that every codec has; a family's test file lists its codecs and calls this. */
import { describe, expect, it } from "vitest";
import fc from "../../fixtures/property.ts";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import type { AnyCodec, Codec } from "../../../src/kernel/netlink/codec/codec.ts";
import { decodeBody, encodeBatch, splitDatagram } from "../../../src/kernel/netlink/codec/message.ts";
import { valuesOf } from "./arbitrary.ts";

const runs = Number(process.env["FAIRLEAD_PROPERTY_RUNS"] ?? 200);

/** Checks encode∘decode and survival of any bytes for each codec. fast-check prints the seed of a failure. */
export function describeCodecs(codecs: Readonly<Record<string, AnyCodec>>): void {
  describe.each(Object.entries(codecs))("%s", (_name, codec) => {
    it("decodes what it encoded", () => {
      fc.assert(
        fc.property(valuesOf(codec), (value) => {
          expect(decode(codec, encode(codec, value))).toEqual(value);
        }),
        { numRuns: runs },
      );
    });

    it("survives any bytes: a value, or an error of the catalogue", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => survives(codec, bytes)),
        { numRuns: runs },
      );
    });

    it("survives damage to good bytes: truncation, flipped bytes, wrong lengths", () => {
      const damaged = fc.tuple(
        valuesOf(codec),
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      );
      fc.assert(
        fc.property(damaged, ([value, cut, flips]) => {
          const bytes = Buffer.from(encode(codec, value).subarray(16));
          for (const [where, byte] of flips) if (bytes.length > 0) bytes[where % bytes.length] = byte;
          survives(codec, bytes.subarray(0, bytes.length - (cut % (bytes.length + 1))));
        }),
        { numRuns: runs },
      );
    });
  });
}

/** A whole message of type 100 that holds the value. A copy: it outlives the writer. */
export function encode<T>(codec: Codec<T>, body: T): Buffer {
  return Buffer.from(encodeBatch([{ type: 100, flags: 0, codec, body }], 1));
}

export function decode<T>(codec: Codec<T>, message: Uint8Array): T {
  const [received] = splitDatagram(message);
  return decodeBody(codec, received!);
}

function survives(codec: AnyCodec, bytes: Uint8Array): void {
  try {
    decodeBody(codec, { type: 0, flags: 0, sequence: 0, portId: 0, datagram: bytes, start: 0, end: bytes.length });
  } catch (error) {
    expect(error).toBeInstanceOf(FairleadError);
    expect((error as FairleadError).code).toBe("NETLINK_DECODE");
  }
}
