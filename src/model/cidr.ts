/** Ranges of addresses: a CIDR, and what one holds. */
import { ipBytes, ipText, type IpAddress } from "./address.ts";
import type { IpFamily } from "./service.ts";

export interface Cidr {
  readonly family: IpFamily;
  /** The first address: bits behind the prefix are zero. */
  readonly address: IpAddress;
  readonly prefix: number;
}

/** First and last address of a range, as numbers. */
export interface AddressRange {
  readonly first: bigint;
  readonly last: bigint;
}

const widths: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 };

export function familyOfIp(address: string): IpFamily {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** Bits of an address. */
export function addressBits(family: IpFamily): number {
  return widths[family];
}

/** The range, with what stands behind the prefix cleared; undefined where the text is no CIDR. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const bits = text.slice(slash + 1);
  if (slash < 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  const bytes = ipBytes(text.slice(0, slash));
  const prefix = Number(bits);
  if (!bytes || prefix > bytes.length * 8) return undefined;
  const masked = bytes.map((byte, i) => byte & (0xff00 >> Math.max(0, Math.min(8, prefix - i * 8))));
  return { family: bytes.length === 4 ? "IPv4" : "IPv6", address: ipText(masked)!, prefix };
}

export function cidrText({ address, prefix }: Cidr): string {
  return `${address}/${prefix}`;
}

export function rangeOf({ family, address, prefix }: Cidr): AddressRange {
  const first = addressNumber(address);
  return { first, last: first + (1n << BigInt(widths[family] - prefix)) - 1n };
}

/** Whether the range holds the address, which may be of the other family. */
export function holds(cidr: Cidr, address: IpAddress): boolean {
  if (familyOfIp(address) !== cidr.family) return false;
  const { first, last } = rangeOf(cidr);
  const number = addressNumber(address);
  return first <= number && number <= last;
}

export function overlap(a: Cidr, b: Cidr): boolean {
  if (a.family !== b.family) return false;
  const [one, other] = [rangeOf(a), rangeOf(b)];
  return one.first <= other.last && other.first <= one.last;
}

/** The same addresses in as few ranges as there can be, ascending. @param cidrs of one family */
export function mergedRanges(cidrs: readonly Cidr[]): AddressRange[] {
  const sorted = cidrs.map(rangeOf).sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: { first: bigint; last: bigint }[] = [];
  for (const { first, last } of sorted) {
    const before = merged.at(-1);
    if (before && first <= before.last + 1n) before.last = last > before.last ? last : before.last;
    else merged.push({ first, last });
  }
  return merged;
}

export function addressNumber(address: IpAddress): bigint {
  return BigInt(`0x${Buffer.from(ipBytes(address)!).toString("hex")}`);
}

/** The bytes of an address that is given as a number. */
export function numberBytes(number: bigint, family: IpFamily): Uint8Array {
  const digits = number.toString(16).padStart(widths[family] / 4, "0");
  return Uint8Array.from(Buffer.from(digits, "hex"));
}
