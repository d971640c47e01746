/** Ranges of addresses that pods may get, and what of them nobody gets. Pure. */
import { FairleadError } from "../../errors/catalogue.ts";
import { ipText, type IpAddress } from "../../model/address.ts";
import {
  addressBits,
  addressNumber,
  cidrText,
  familyOfIp,
  holds,
  mergedRanges,
  numberBytes,
  parseCidr,
  rangeOf,
  type Cidr,
} from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";

/** A range as a configuration gives it (host-local's fields). */
export interface RangeSpec {
  /** "10.244.1.0/24" */
  readonly subnet: string;
  /** Default: the subnet's first address but one. */
  readonly rangeStart?: IpAddress | undefined;
  /** Default: its last one (of IPv4 its last but one). */
  readonly rangeEnd?: IpAddress | undefined;
  /** Default: the subnet's first address but one. Nobody gets it. */
  readonly gateway?: IpAddress | undefined;
}

/** Addresses of one subnet, counted from `first` on. */
export interface AddressRange {
  readonly family: IpFamily;
  readonly subnet: string;
  readonly prefixLength: number;
  readonly gateway: IpAddress;
  readonly first: bigint;
  /** How many there are, with those that nobody gets. */
  readonly size: number;
  /** Offsets from `first` that nobody gets: [from, to], in order, apart from one another. */
  readonly excluded: readonly (readonly [number, number])[];
}

/** One address is taken of each set: from the first of its ranges that has one. */
export type RangeSet = readonly AddressRange[];

/** Offsets are numbers, and no node has more pods: of a larger range only its first addresses are used. */
const maxSize = 2 ** 32;

/**
 * @param exclude addresses and CIDRs, of any family, that nobody gets
 * @throws FairleadError INVALID_ADDRESS_RANGE
 */
export function addressRange(spec: RangeSpec, exclude: readonly string[] = []): AddressRange {
  const subnet = cidrOf(spec.subnet);
  const { family, prefix: prefixLength } = subnet;
  // As host-local: what is left without network, gateway and broadcast would be nothing.
  if (addressBits(family) - prefixLength < 2) throw invalid(spec.subnet, "it is too small to take addresses from");
  const { first: network, last: broadcast } = rangeOf(subnet);
  const gateway = spec.gateway === undefined ? network + 1n : within(subnet, spec.gateway, "gateway");
  const first = spec.rangeStart === undefined ? network + 1n : within(subnet, spec.rangeStart, "rangeStart");
  const isV4 = family === "IPv4";
  const last = spec.rangeEnd === undefined ? broadcast - (isV4 ? 1n : 0n) : within(subnet, spec.rangeEnd, "rangeEnd");
  if (first > last) throw invalid(spec.subnet, "rangeStart is behind rangeEnd");
  const size = Math.min(Number(last - first + 1n), maxSize);
  const reserved = [network, gateway, ...(isV4 ? [broadcast] : [])].map((address) => single(address, family));
  const holes = [...reserved, ...exclude.map(cidrOf).filter((hole) => hole.family === family)];
  return {
    family,
    subnet: spec.subnet,
    prefixLength,
    gateway: textOf(gateway, family),
    first,
    size,
    excluded: offsets(holes, first, size),
  };
}

/** Of the node's podCIDRs: an address of each. */
export function podCidrRanges(podCidrs: readonly string[], exclude: readonly string[] = []): readonly RangeSet[] {
  return podCidrs.map((subnet) => [addressRange({ subnet }, exclude)]);
}

export function addressAt(range: AddressRange, offset: number): IpAddress {
  return textOf(range.first + BigInt(offset), range.family);
}

/** Where in the range the address stands; undefined: it is not of the range. */
export function offsetOf(
  range: Pick<AddressRange, "family" | "first" | "size">,
  address: IpAddress,
): number | undefined {
  if (familyOfIp(address) !== range.family) return undefined;
  const offset = addressNumber(address) - range.first;
  return offset >= 0n && offset < BigInt(range.size) ? Number(offset) : undefined;
}

/** The last offset of the hole that this one is in; undefined: it is in none. */
export function excludedUntil(range: AddressRange, offset: number): number | undefined {
  return range.excluded.find(([from, to]) => offset >= from && offset <= to)?.[1];
}

/** How many addresses pods can get. */
export function capacity(range: AddressRange): number {
  return range.excluded.reduce((left, [from, to]) => left - (to - from + 1), range.size);
}

/** A CIDR, or an address as one of its own. */
function cidrOf(text: string): Cidr {
  const cidr = parseCidr(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`);
  if (!cidr) throw invalid(text, "it is neither an address nor a CIDR");
  return cidr;
}

function within(subnet: Cidr, address: IpAddress, field: string): bigint {
  if (holds(subnet, address)) return addressNumber(address);
  throw invalid(address, `${field} is not in ${cidrText(subnet)}`);
}

function single(address: bigint, family: IpFamily): Cidr {
  return { family, address: textOf(address, family), prefix: addressBits(family) };
}

function offsets(holes: readonly Cidr[], first: bigint, size: number): readonly (readonly [number, number])[] {
  return mergedRanges(holes)
    .map((hole) => [Math.max(0, Number(hole.first - first)), Math.min(size - 1, Number(hole.last - first))] as const)
    .filter(([from, to]) => from <= to);
}

function textOf(address: bigint, family: IpFamily): IpAddress {
  return ipText(numberBytes(address, family))!;
}

function invalid(subject: string, reason: string): FairleadError {
  return new FairleadError("INVALID_ADDRESS_RANGE", { subject, reason });
}
