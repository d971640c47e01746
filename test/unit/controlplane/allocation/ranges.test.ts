/** Ranges of addresses and ports: sizes, the part that is kept, and what comes first. */
import { describe, expect, it } from "vitest";
import { settleFamilies, type ServiceSpec } from "../../../../src/controlplane/apiserver/allocation/families.ts";
import { addressRange, candidates, portRange } from "../../../../src/controlplane/apiserver/allocation/ranges.ts";

describe("address ranges", () => {
  // Sizes of the kept part: KEP-3070's table.
  it.each<[string, bigint, bigint, string, string]>([
    ["10.96.0.0/12", 1_048_574n, 256n, "10.96.0.1", "10.111.255.254"],
    ["10.0.0.0/24", 254n, 16n, "10.0.0.1", "10.0.0.254"],
    ["10.0.0.0/20", 4094n, 255n, "10.0.0.1", "10.0.15.254"],
    ["10.0.0.16/28", 14n, 0n, "10.0.0.17", "10.0.0.30"],
    ["10.0.0.5/24", 254n, 16n, "10.0.0.1", "10.0.0.254"],
    ["fd00::/112", 65_535n, 256n, "fd00::1", "fd00::ffff"],
    ["fd00::/64", 2n ** 64n - 1n, 256n, "fd00::1", "fd00::ffff:ffff:ffff:ffff"],
  ])("%s", (cidr, size, offset, first, last) => {
    const range = addressRange(cidr);
    expect([range.size, range.offset, range.nameOf(0n), range.nameOf(size - 1n)]).toEqual([size, offset, first, last]);
    expect([range.includes(first), range.includes(last)]).toEqual([true, true]);
  });

  it("leave out the network, the broadcast and what is outside", () => {
    const range = addressRange("10.0.0.0/24");
    expect(["10.0.0.0", "10.0.0.255", "10.0.1.1", "fd00::1", "x"].map((name) => range.includes(name))).toEqual(
      Array.from({ length: 5 }, () => false),
    );
  });

  it("are gone through whole, the kept part last", () => {
    const range = addressRange("10.0.0.0/27");
    const names = [...candidates(range, () => 0.99)];
    expect(new Set(names).size).toBe(30);
    expect(names.slice(0, 2)).toEqual(["10.0.0.30", "10.0.0.17"]);
    expect(names.slice(14).every((name) => Number(name.split(".")[3]) <= 16)).toBe(true);
  });

  it.each(["10.0.0.0", "x/8", "10.0.0.0/33"])("%s is none", (text) => {
    expect(() => addressRange(text)).toThrow();
  });
});

describe("port ranges", () => {
  it.each<[string, bigint, bigint]>([
    // KEP-3668's table.
    ["30000-32767", 2768n, 86n],
    ["30000-30015", 16n, 0n],
    ["30000-30100", 101n, 16n],
    ["1024-65535", 64_512n, 128n],
  ])("%s", (text, size, offset) => {
    const range = portRange(text);
    expect([range.size, range.offset]).toEqual([size, offset]);
  });

  it.each(["30000", "2-1", "0-5", "1-70000"])("%s is none", (text) => {
    expect(() => portRange(text)).toThrow();
  });
});

describe("families", () => {
  const settled = (spec: ServiceSpec, cluster: readonly ("IPv4" | "IPv6")[], old?: ServiceSpec): unknown => {
    const causes = settleFamilies(spec, old, cluster);
    return causes.length > 0 ? causes.map(({ field }) => field) : [spec.ipFamilyPolicy, ...(spec.ipFamilies ?? [])];
  };
  const two = ["IPv4", "IPv6"] as const;

  it.each<[string, ServiceSpec, readonly ("IPv4" | "IPv6")[], unknown]>([
    ["one by default", { type: "ClusterIP" }, two, ["SingleStack", "IPv4"]],
    ["the address's", { type: "ClusterIP", clusterIPs: ["fd00::5"] }, two, ["SingleStack", "IPv6"]],
    [
      "both where preferred",
      { type: "ClusterIP", ipFamilyPolicy: "PreferDualStack" },
      two,
      ["PreferDualStack", "IPv4", "IPv6"],
    ],
    [
      "in the order asked for",
      { type: "ClusterIP", ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6"] },
      two,
      ["RequireDualStack", "IPv6", "IPv4"],
    ],
    [
      "what there is where preferred",
      { type: "ClusterIP", ipFamilyPolicy: "PreferDualStack" },
      ["IPv6"],
      ["PreferDualStack", "IPv6"],
    ],
    ["not two of one", { type: "ClusterIP", ipFamilyPolicy: "RequireDualStack" }, ["IPv4"], ["spec.ipFamilyPolicy"]],
    ["not a list without a policy", { type: "ClusterIP", ipFamilies: ["IPv4", "IPv6"] }, two, ["spec.ipFamilyPolicy"]],
    ["none of an external name", { type: "ExternalName" }, two, [undefined]],
    [
      "both of a headless Service without a selector",
      { type: "ClusterIP", clusterIP: "None" },
      ["IPv4"],
      ["RequireDualStack", "IPv4", "IPv6"],
    ],
    [
      "one of a headless Service with a selector",
      { type: "ClusterIP", clusterIP: "None", selector: { a: "b" } },
      two,
      ["SingleStack", "IPv4"],
    ],
  ])("are %s", (_what, spec, cluster, expected) => {
    expect(settled(spec, cluster)).toEqual(expected);
  });

  it("go when the policy becomes a single one", () => {
    const old = {
      type: "ClusterIP",
      ipFamilyPolicy: "PreferDualStack",
      clusterIPs: ["10.0.0.1", "fd00::1"],
      ipFamilies: ["IPv4", "IPv6"],
    };
    const spec: ServiceSpec = { ...structuredClone(old), ipFamilyPolicy: "SingleStack" };
    expect(settled(spec, two, old)).toEqual(["SingleStack", "IPv4"]);
    expect(spec.clusterIPs).toEqual(["10.0.0.1"]);
  });
});
