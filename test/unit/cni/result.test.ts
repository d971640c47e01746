/** Results in every version's form, and back. */
import { describe, expect, test } from "vitest";
import { cniVersions, type Result } from "../../../cni/plugin.ts";
import { parsePrefix, prefixText, readResult, renderResult } from "../../../cni/result.ts";
import { ipText } from "../../../src/model/address.ts";
import fc from "../../fixtures/property.ts";

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => ipText(bytes)!);
const prefix = address.chain((ip) =>
  fc.integer({ min: 0, max: ip.includes(":") ? 128 : 32 }).map((prefixLength) => ({ address: ip, prefixLength })),
);
const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const some = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) => fc.record(fields, { requiredKeys: [] });
const texts = fc.array(fc.string(), { minLength: 1, maxLength: 3 });

const results: fc.Arbitrary<Result> = fc
  .array(
    fc
      .tuple(
        fc.string(),
        some({ mac: fc.string(), mtu: number, sandbox: fc.string(), socketPath: fc.string(), pciID: fc.string() }),
      )
      .map(([name, rest]) => ({ name, ...rest })),
    { maxLength: 4 },
  )
  .chain((interfaces) =>
    fc.record({
      interfaces: fc.constant(interfaces),
      ips: fc.array(
        fc
          .tuple(
            prefix,
            some({ gateway: address, ...(interfaces.length > 0 ? { interface: fc.nat(interfaces.length - 1) } : {}) }),
          )
          .map(([ip, rest]) => ({ ...ip, ...rest })),
        { maxLength: 4 },
      ),
      routes: fc.array(
        fc
          .tuple(
            prefix,
            some({ gw: address, mtu: number, advmss: number, priority: number, table: number, scope: number }),
          )
          .map(([dst, rest]) => ({ dst, ...rest })),
        { maxLength: 4 },
      ),
      dns: some({ nameservers: texts, domain: fc.string(), search: texts, options: texts }),
    }),
  );

/** What the versions before 1.1.0 have no place for. */
function without110(result: Result): Result {
  return {
    ...result,
    interfaces: result.interfaces.map(({ mtu: _, socketPath: _s, pciID: _p, ...rest }) => rest),
    routes: result.routes.map(({ dst, gw }) => ({ dst, ...(gw === undefined ? {} : { gw }) })),
  };
}

const overTheWire = (result: Result, version: (typeof cniVersions)[number]): Result =>
  readResult(JSON.parse(JSON.stringify(renderResult(result, version))));

describe("a result", () => {
  test.each(cniVersions)("is the same after %s, but for what that version does not have", (version) => {
    fc.assert(
      fc.property(results, (result) => {
        expect(overTheWire(result, version)).toEqual(version === "1.1.0" ? result : without110(result));
      }),
    );
  });

  test("tells its family as text until 0.4.0, and no more after", () => {
    const result = readResult({ ips: [{ address: "10.1.0.5/16" }, { address: "fd00::5/64" }] });
    const families = (version: (typeof cniVersions)[number]) =>
      (renderResult(result, version)["ips"] as { version?: string }[]).map((ip) => ip.version);
    expect(cniVersions.map(families)).toEqual([
      ["4", "6"],
      ["4", "6"],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  test("has no empty parts", () => {
    expect(renderResult(readResult({ dns: {}, routes: null, interfaces: [] }), "0.3.1")).toEqual({
      cniVersion: "0.3.1",
    });
  });

  test("takes Go's ways of saying nothing", () => {
    const read = readResult({ ips: [{ address: "10.1.0.5/16", gateway: "", interface: null }], dns: null });
    expect(read.ips).toEqual([{ address: "10.1.0.5", prefixLength: 16 }]);
  });
});

describe("an address with its prefix length", () => {
  test("is what it was", () => {
    fc.assert(
      fc.property(prefix, (value) => {
        expect(parsePrefix(prefixText(value))).toEqual(value);
      }),
    );
  });

  test.each([
    "",
    "/",
    "10.1.0.5",
    "10.1.0.5/",
    "10.1.0.5/33",
    "fd00::/129",
    "10.1.0.5/024",
    "10.1.0.5/-1",
    "10.1.0.5/1/2",
    "010.1.0.5/8",
  ])("%j is none", (text) => expect(parsePrefix(text)).toBeUndefined());
});
