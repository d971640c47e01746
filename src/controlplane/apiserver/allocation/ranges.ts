/**
 * Ranges that numbers are given out of: the addresses of a CIDR, the node ports. The lower part is
 * kept for who asks for a certain one, as long as the upper part lasts (KEP-3070, KEP-3668).
 */
import ipaddr from "ipaddr.js";
import { FairleadError } from "../../../errors/catalogue.ts";
import { parseCidr, type IpFamily } from "../validation/ip.ts";

/** A range of things with a name each. */
export interface Range {
  /** "10.0.0.0/16", "30000-32767" */
  readonly text: string;
  readonly size: bigint;
  /** Size of the lower part. */
  readonly offset: bigint;
  /** The name of the n-th. */
  nameOf(index: bigint): string;
  includes(name: string): boolean;
}

/** The names of a range, each once: the upper part from anywhere on, then the lower one. */
export function* candidates(range: Range, random: () => number): Generator<string> {
  yield* around(range, range.offset, range.size - range.offset, random);
  yield* around(range, 0n, range.offset, random);
}

function* around(range: Range, from: bigint, count: bigint, random: () => number): Generator<string> {
  if (count <= 0n) return;
  const start = BigInt(Math.floor(random() * Math.min(Number(count), Number.MAX_SAFE_INTEGER)));
  for (let i = 0n; i < count; i++) yield range.nameOf(from + ((start + i) % count));
}

/** The lower part's size: a `step`-th of the range, at least `min`, at most `max`; none of a small range. */
function offsetOf(size: bigint, min: bigint, max: bigint, step: bigint): bigint {
  if (size <= min) return 0n;
  const part = size / step;
  return part < min ? min : part > max ? max : part;
}

export interface AddressRange extends Range {
  readonly family: IpFamily;
}

/** @throws FairleadError INVALID_ADDRESS_RANGE */
export function addressRange(cidr: string): AddressRange {
  const parsed = parseCidr(cidr);
  if (!parsed) throw new FairleadError("INVALID_ADDRESS_RANGE", { subject: cidr, reason: "it is not a CIDR" });
  const { family, bits } = parsed;
  const width = family === "IPv4" ? 32n : 128n;
  const whole = 1n << (width - BigInt(bits));
  const base = (numberOf(parsed.address) / whole) * whole;
  // The network's own address is nobody's; IPv4's last one is the broadcast.
  const first = whole > 2n ? 1n : 0n;
  const size = whole > 2n ? whole - (family === "IPv4" ? 2n : 1n) : whole;
  return {
    text: `${addressOf(base, family)}/${bits}`,
    family,
    size,
    offset: offsetOf(size, 16n, 256n, 16n),
    nameOf: (index) => addressOf(base + first + index, family),
    includes(name) {
      if (!ipaddr.isValid(name) || familyName(name) !== family) return false;
      const index = numberOf(name) - base - first;
      return index >= 0n && index < size;
    },
  };
}

function familyName(address: string): IpFamily {
  return ipaddr.parse(address).kind() === "ipv4" ? "IPv4" : "IPv6";
}

function numberOf(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Canonical text (RFC 5952). */
function addressOf(value: bigint, family: IpFamily): string {
  const bytes: number[] = [];
  for (let i = family === "IPv4" ? 4 : 16; i > 0; i--, value >>= 8n) bytes.unshift(Number(value & 0xffn));
  const address = ipaddr.fromByteArray(bytes);
  return address.kind() === "ipv6" ? (address as ipaddr.IPv6).toRFC5952String() : address.toString();
}

/** The name that an address has as an IPAddress object: its canonical text. */
export function canonicalAddress(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.parse(address);
  return parsed.kind() === "ipv6" ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}

/** @param text "30000-32767" @throws FairleadError INVALID_ADDRESS_RANGE */
export function portRange(text: string): Range {
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  const first = Number(from);
  const last = Number(to);
  if (!(first >= 1 && last <= 65_535 && first <= last)) {
    throw new FairleadError("INVALID_ADDRESS_RANGE", { subject: text, reason: "it is not a range of ports" });
  }
  const size = BigInt(last - first + 1);
  return {
    text,
    size,
    offset: offsetOf(size, 16n, 128n, 32n),
    nameOf: (index) => String(first + Number(index)),
    includes: (name) => Number(name) >= first && Number(name) <= last,
  };
}
