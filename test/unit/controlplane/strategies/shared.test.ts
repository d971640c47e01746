/** What all kinds share: quantities, names, addresses, metadata. */
import fc from "../../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import { semanticEqual } from "../../../../src/model/equality.ts";
import {
  canonicalCidr,
  canonicalIp,
  familyOf,
  parseCidr,
} from "../../../../src/controlplane/apiserver/validation/ip.ts";
import { dns1123Label, envVarName, qualifiedName } from "../../../../src/controlplane/apiserver/validation/names.ts";
import { canonicalMilli, canonicalQuantity, nanos, parseQuantity } from "../../../../src/model/quantity.ts";
import { object, refusals, updateRefusals } from "./life.ts";

describe("quantities", () => {
  it.each([
    ["0", "0"],
    ["-0", "0"],
    ["1", "1"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["0.5", "500m"],
    [".5", "500m"],
    ["1.", "1"],
    ["1000", "1k"],
    ["12300", "12300"],
    ["100", "100"],
    ["1e3", "1e3"],
    ["1E", "1E"],
    ["1e-3", "1e-3"],
    ["1024Ki", "1Mi"],
    ["0.5Gi", "512Mi"],
    ["1000Ki", "1000Ki"],
    ["0.5Ki", "512"],
    ["-1Gi", "-1Gi"],
    ["0.1n", "1n"],
    ["9999999999999999999999", "9223372036854775807"],
    ["1e999999999", "9223372036854775807e0"],
  ])("%s is %s", (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical.replace(/e0$/, ""));
  });

  it.each(["", " ", "Gi", "1gi", "1KB", "1e", "--1", "1.2.3", "1m1", "0x1"])("%j is none", (text) => {
    expect(() => parseQuantity(text)).toThrow(/quantit/);
  });

  it("of resources are rounded up to thousandths", () => {
    expect([canonicalMilli("1n"), canonicalMilli("1.0001"), canonicalMilli("1Gi")]).toEqual(["1m", "1001m", "1Gi"]);
  });

  it("keep their value in their canonical form", () => {
    const suffixes = fc.constantFrom("", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "e-2");
    const texts = fc.tuple(fc.integer({ min: 0, max: 1_000_000 }), suffixes).map(([value, end]) => `${value}${end}`);
    fc.assert(
      fc.property(texts, (text) => {
        const canonical = canonicalQuantity(text);
        expect(nanos(canonical)).toBe(nanos(text));
        expect(canonicalQuantity(canonical)).toBe(canonical);
      }),
    );
  });
});

describe("names", () => {
  it("are refused in upstream's words", () => {
    expect(dns1123Label("A")).toEqual([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
    expect(dns1123Label("a.b")).toEqual(["must not contain dots"]);
    expect(dns1123Label("a".repeat(64))).toEqual(["must be no more than 63 bytes"]);
    expect(qualifiedName("/a")).toEqual(["prefix part must be non-empty"]);
    expect(qualifiedName("example.com/a_b.c")).toEqual([]);
    expect([envVarName("a b"), envVarName("a=b").length]).toEqual([[], 1]);
  });
});

describe("addresses", () => {
  it.each([
    ["10.0.0.1", "IPv4", "10.0.0.1"],
    ["010.0.0.01", "IPv4", "10.0.0.1"],
    ["2001:DB8:0:0::1", "IPv6", "2001:db8::1"],
    ["fe80::1%eth0", undefined, undefined],
    ["1.2.3", undefined, undefined],
    ["256.0.0.1", undefined, undefined],
  ])("%s", (text, family, canonical) => {
    expect([familyOf(text), canonicalIp(text)]).toEqual([family, canonical]);
  });

  it("of networks", () => {
    expect([canonicalCidr("10.1.2.3/8"), canonicalCidr("2001:db8::1/32")]).toEqual(["10.0.0.0/8", "2001:db8::/32"]);
    expect([parseCidr("10.0.0.0/33"), parseCidr("10.0.0.0"), parseCidr("x/8")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("parts of objects are equal", () => {
  it("where what is empty lacks, and amounts are the same", () => {
    expect(semanticEqual({ a: [], b: {}, c: "", hostNetwork: false }, {})).toBe(true);
    expect(semanticEqual({ limits: { cpu: "1" } }, { limits: { cpu: "1000m" } })).toBe(true);
    expect(semanticEqual({ runAsUser: 0 }, {})).toBe(false);
    expect(semanticEqual({ runAsNonRoot: false }, {})).toBe(false);
    expect(semanticEqual([1, 2], [2, 1])).toBe(false);
  });
});

describe("metadata is refused for", () => {
  const map = (metadata: Record<string, unknown>) => object("v1", "ConfigMap", {}, metadata);
  it.each<[string, Record<string, unknown>, string[]]>([
    ["no name", { name: "" }, ["Required metadata.name"]],
    [
      "a name and its beginning",
      { name: "a_b", generateName: "A-" },
      ["Invalid metadata.generateName", "Invalid metadata.name"],
    ],
    ["labels", { labels: { "a b": "c d" } }, ["Invalid metadata.labels", "Invalid metadata.labels"]],
    [
      "annotations",
      { annotations: { "A/": "", big: "x".repeat(262_144) } },
      ["Invalid metadata.annotations", "Invalid metadata.annotations", "TooLong metadata.annotations"],
    ],
    [
      "finalizers",
      { finalizers: ["mine", "orphan", "foregroundDeletion"] },
      ["Invalid metadata.finalizers", "Invalid metadata.finalizers"],
    ],
    [
      "owners",
      {
        ownerReferences: [
          { apiVersion: "v1", kind: "Pod", name: "", uid: "1", controller: true },
          { apiVersion: "v1", kind: "Event", name: "e", uid: "2", controller: true },
        ],
      },
      ["Invalid metadata.ownerReferences.name", "Invalid metadata.ownerReferences", "Invalid metadata.ownerReferences"],
    ],
  ])("%s", (_what, metadata, expected) => {
    expect(refusals(map(metadata))).toEqual(expected);
  });

  it("a finalizer that comes when the object goes", () => {
    const change = (next: { metadata: { finalizers?: string[] } }) =>
      void (next.metadata.finalizers = ["a.b/c", "d.e/f"]);
    const going = map({ finalizers: ["a.b/c"], deletionTimestamp: "2026-01-01T00:00:00Z" });
    expect(updateRefusals(going, change)).toEqual(["Forbidden metadata.finalizers"]);
  });
});
