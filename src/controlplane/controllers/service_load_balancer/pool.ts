/** Addresses that the operator gives to LoadBalancer Services: CIDRs, ranges "a-b" and single ones, of both families. Pure. */
import ipaddr from "ipaddr.js";
import type { IpFamily } from "../../../model/service.ts";

export interface PoolRange {
  readonly family: IpFamily;
  /** Both are given out. */
  readonly first: bigint;
  readonly last: bigint;
}

export type Pool = readonly PoolRange[];

/** @throws RangeError that names what is none */
export function parsePool(texts: readonly string[]): Pool {
  return texts.map((text) => {
    const range = text.includes("/") ? cidr(text) : fromTo(text);
    if (!range || range.first > range.last) {
      throw new RangeError(`${JSON.stringify(text)} is no CIDR, range or address for Services of type LoadBalancer`);
    }
    return range;
  });
}

function cidr(text: string): PoolRange | undefined {
  if (!ipaddr.isValidCIDR(text)) return undefined;
  const [address, bits] = ipaddr.parseCIDR(text);
  const width = address.kind() === "ipv6" ? 128n : 32n;
  const size = 1n << (width - BigInt(bits));
  const first = (numberOf(address) / size) * size;
  return { family: familyOf(address), first, last: first + size - 1n };
}

function fromTo(text: string): PoolRange | undefined {
  const [from = "", to = from, ...rest] = text.split("-").map((part) => part.trim());
  if (rest.length > 0 || !isAddress(from) || !isAddress(to)) return undefined;
  const [first, last] = [ipaddr.parse(from), ipaddr.parse(to)];
  if (first.kind() !== last.kind()) return undefined;
  return { family: familyOf(first), first: numberOf(first), last: numberOf(last) };
}

function isAddress(text: string): boolean {
  return text.includes(":") ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text);
}

const familyOf = (address: ipaddr.IPv4 | ipaddr.IPv6): IpFamily => (address.kind() === "ipv6" ? "IPv6" : "IPv4");

function numberOf(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((sum, byte) => (sum << 8n) + BigInt(byte), 0n);
}

function textOf(number: bigint, family: IpFamily): string {
  const bytes = Array.from({ length: family === "IPv6" ? 16 : 4 }, (_, i, all = family === "IPv6" ? 16 : 4) =>
    Number((number >> BigInt(8 * (all - 1 - i))) & 0xffn),
  );
  return family === "IPv6" ? new ipaddr.IPv6(bytes).toRFC5952String() : bytes.join(".");
}

/** The one text of an address; undefined where it is none. */
export function canonical(text: string): string | undefined {
  if (!isAddress(text)) return undefined;
  const address = ipaddr.parse(text);
  return textOf(numberOf(address), familyOf(address));
}

export function isInPool(pool: Pool, text: string): boolean {
  if (!isAddress(text)) return false;
  const address = ipaddr.parse(text);
  const number = numberOf(address);
  return pool.some(({ family, first, last }) => family === familyOf(address) && first <= number && number <= last);
}

export const hasFamily = (pool: Pool, family: IpFamily): boolean => pool.some((range) => range.family === family);

/** A free address: the next behind the one that was given last, so that one given back rests as long as it can. */
export function nextFree(
  pool: Pool,
  family: IpFamily,
  after: string | undefined,
  isTaken: (address: string) => boolean,
): string | undefined {
  const ranges = pool.filter((range) => range.family === family);
  const last = after === undefined ? undefined : numberOf(ipaddr.parse(after));
  const at = last === undefined ? -1 : ranges.findIndex((range) => range.first <= last && last <= range.last);
  const parts: { from: bigint; to: bigint }[] =
    at < 0
      ? ranges.map(({ first, last: to }) => ({ from: first, to }))
      : [
          { from: last! + 1n, to: ranges[at]!.last },
          ...[...ranges.slice(at + 1), ...ranges.slice(0, at)].map(({ first, last: to }) => ({ from: first, to })),
          { from: ranges[at]!.first, to: last! },
        ];
  for (const { from, to } of parts) {
    for (let number = from; number <= to; number++) {
      const text = textOf(number, family);
      if (!isTaken(text)) return text;
    }
  }
  return undefined;
}
