/** Which addresses a range has. */
import { describe, expect, it } from "vitest";
import type { IpAddress } from "../../../../src/model/address.ts";
import { addressAt, addressRange, capacity, offsetOf, podCidrRanges } from "../../../../src/network/ipam/range.ts";

const ip = (text: string) => text as IpAddress;

/** Every address that pods can get. */
function usable(...arguments_: Parameters<typeof addressRange>): string[] {
  const range = addressRange(...arguments_);
  const isFree = (offset: number): boolean => !range.excluded.some(([from, to]) => offset >= from && offset <= to);
  return Array.from({ length: range.size }, (_, offset) => offset)
    .filter(isFree)
    .map((offset) => addressAt(range, offset));
}

describe("a range", () => {
  it("leaves out network, gateway and broadcast", () => {
    expect(usable({ subnet: "10.1.2.0/29" })).toEqual(["10.1.2.2", "10.1.2.3", "10.1.2.4", "10.1.2.5", "10.1.2.6"]);
  });

  it("of IPv6 has no broadcast, and leaves out the routers' anycast address", () => {
    expect(usable({ subnet: "fd00::/126" })).toEqual(["fd00::2", "fd00::3"]);
  });

  it("begins and ends where it is told, and leaves its gateway out there", () => {
    const spec = { subnet: "10.1.2.0/24", rangeStart: ip("10.1.2.10"), rangeEnd: ip("10.1.2.13") };
    expect(usable(spec)).toEqual(["10.1.2.10", "10.1.2.11", "10.1.2.12", "10.1.2.13"]);
    expect(usable({ ...spec, gateway: ip("10.1.2.11") })).toEqual(["10.1.2.10", "10.1.2.12", "10.1.2.13"]);
  });

  it("leaves out what is excluded: addresses, CIDRs, also those that overlap, none of the other family", () => {
    const exclude = ["10.1.2.4", "10.1.2.8/30", "10.1.2.8/31", "fd00::/8", "192.0.2.0/24"];
    expect(usable({ subnet: "10.1.2.0/28" }, exclude)).toEqual(
      [2, 3, 5, 6, 7, 12, 13, 14].map((last) => `10.1.2.${last}`),
    );
  });

  it("is taken from its subnet's first address on, whatever stands behind the prefix", () => {
    expect(usable({ subnet: "10.1.2.7/30" })).toEqual(["10.1.2.6"]);
  });

  it("counts what pods can get", () => {
    expect(capacity(addressRange({ subnet: "10.0.0.0/16" }))).toBe(65_533);
    expect(capacity(addressRange({ subnet: "10.0.0.0/16" }, ["10.0.1.0/24"]))).toBe(65_533 - 256);
  });

  it("knows its own addresses", () => {
    const range = addressRange({ subnet: "fd00:10:244:1::/64" });
    for (const offset of [0, 1, 2 ** 31, 2 ** 32 - 1]) expect(offsetOf(range, addressAt(range, offset))).toBe(offset);
    expect(offsetOf(range, ip("fd00:10:244:2::1"))).toBeUndefined();
    expect(offsetOf(range, ip("10.0.0.1"))).toBeUndefined();
    expect(offsetOf(range, ip("fd00:10:244:1:8000::"))).toBeUndefined();
  });

  it("is refused where it has no address to give, or is none", () => {
    const refused = [
      { subnet: "10.0.0.0/31" },
      { subnet: "fd00::/127" },
      { subnet: "10.0.0.0/33" },
      { subnet: "10.0.0/8" },
      { subnet: "" },
      { subnet: "10.0.0.0/24", rangeStart: ip("10.0.1.1") },
      { subnet: "10.0.0.0/24", rangeEnd: ip("fd00::1") },
      { subnet: "10.0.0.0/24", rangeStart: ip("10.0.0.9"), rangeEnd: ip("10.0.0.8") },
      { subnet: "10.0.0.0/24", gateway: ip("10.0.1.1") },
    ];
    for (const spec of refused) {
      expect(() => addressRange(spec), JSON.stringify(spec)).toThrow(
        expect.objectContaining({ code: "INVALID_ADDRESS_RANGE" }) as Error,
      );
    }
  });
});

it("podCIDRs are ranges of their own, one a family", () => {
  expect(podCidrRanges(["10.1.0.0/24", "fd00::/64"]).map((set) => set.map(({ family }) => family))).toEqual([
    ["IPv4"],
    ["IPv6"],
  ]);
});
