import { describe, expect, it } from "vitest";
import { ipText } from "../../../src/model/address.ts";
import { numberBytes, parseCidr, type Cidr } from "../../../src/model/cidr.ts";
import { deriveMasquerade, type MasqueradeOptions } from "../../../src/network/masquerade/derive.ts";

const cidrs = (...texts: readonly string[]): Cidr[] => texts.map((text) => parseCidr(text)!);
const own = cidrs("10.244.1.0/24")[0]!;
const nodes = cidrs("10.244.1.0/24", "10.244.2.0/24", "fd00:10:244:1::/64");

function exempt(options: Partial<MasqueradeOptions>): string[] {
  const all = { enabled: true, clusterCidrs: [], exclusions: [], ...options };
  return deriveMasquerade("IPv4", all, own, nodes)!.exempt.map(({ first, last }) =>
    [first, last].map((number) => ipText(numberBytes(number, "IPv4"))).join("-"),
  );
}

describe("what sees pods' own addresses", () => {
  const always = ["169.254.0.0-169.254.255.255", "224.0.0.0-239.255.255.255"];

  it("is every node's pods where no range of the cluster is given", () => {
    expect(exempt({})).toEqual(["10.244.1.0-10.244.2.255", ...always]);
  });

  it("is the cluster's ranges where they are, and this node's own pods whatever they say", () => {
    expect(exempt({ clusterCidrs: cidrs("10.245.0.0/16") })).toEqual([
      "10.244.1.0-10.244.1.255",
      "10.245.0.0-10.245.255.255",
      ...always,
    ]);
  });

  it("is what is excluded too", () => {
    expect(exempt({ exclusions: cidrs("10.0.0.0/8", "fd00::/8") })).toEqual(["10.0.0.0-10.255.255.255", ...always]);
  });

  it("is all where nothing is masqueraded", () => {
    const options = { enabled: false, clusterCidrs: [], exclusions: [] };
    expect(deriveMasquerade("IPv4", options, own, nodes)).toBeUndefined();
    expect(deriveMasquerade("IPv4", { ...options, enabled: true }, undefined, nodes)).toBeUndefined();
  });
});
