import { describe, expect, it } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import {
  cidrText,
  holds,
  mergedRanges,
  numberBytes,
  overlap,
  parseCidr,
  rangeOf,
  type Cidr,
} from "../../../src/model/cidr.ts";

const cidr = (text: string): Cidr => parseCidr(text)!;
const ip = (text: string): IpAddress => text as IpAddress;

describe("a CIDR", () => {
  it.each([
    ["10.244.1.0/24", "10.244.1.0/24"],
    ["10.244.1.77/24", "10.244.1.0/24"],
    ["10.244.255.255/9", "10.128.0.0/9"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["192.0.2.1/32", "192.0.2.1/32"],
    ["FD00:10:244:1::9/64", "fd00:10:244:1::/64"],
    ["fd00:10:244:1fff::/52", "fd00:10:244:1000::/52"],
    ["::1/128", "::1/128"],
  ])("%s is %s", (text, canonical) => expect(cidrText(cidr(text))).toBe(canonical));

  it.each(["", "10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "fd00::/129", "a/8", "10.0.0.0/"])(
    "%j is none",
    (text) => expect(parseCidr(text)).toBeUndefined(),
  );

  it("holds the addresses from its first to its last, of its own family", () => {
    const range = cidr("10.244.1.0/24");
    expect(holds(range, ip("10.244.1.0"))).toBe(true);
    expect(holds(range, ip("10.244.1.255"))).toBe(true);
    expect(holds(range, ip("10.244.2.0"))).toBe(false);
    expect(holds(cidr("0.0.0.0/0"), ip("::1"))).toBe(false);
  });

  it("overlaps what shares an address with it", () => {
    expect(overlap(cidr("10.244.0.0/16"), cidr("10.244.1.0/24"))).toBe(true);
    expect(overlap(cidr("10.244.1.0/24"), cidr("10.244.2.0/24"))).toBe(false);
    expect(overlap(cidr("0.0.0.0/0"), cidr("::/0"))).toBe(false);
  });
});

describe("merged ranges", () => {
  const text = (cidrs: readonly string[]) =>
    mergedRanges(cidrs.map(cidr)).map(({ first, last }) =>
      [first, last].map((n) => Array.from(numberBytes(n, "IPv4")).join(".")).join("-"),
    );

  it("are disjoint, ascending, and joined where they touch", () => {
    expect(text(["10.0.2.0/24", "10.0.0.0/24", "10.0.1.0/24", "10.1.0.0/16", "10.1.7.0/24"])).toEqual([
      "10.0.0.0-10.0.2.255",
      "10.1.0.0-10.1.255.255",
    ]);
  });

  it("reach the last address of all", () => {
    expect(text(["255.255.255.255/32", "0.0.0.0/0"])).toEqual(["0.0.0.0-255.255.255.255"]);
    expect(rangeOf(cidr("::/0")).last).toBe(2n ** 128n - 1n);
  });
});
