/**
 * IP addresses and CIDRs in fields (apimachinery/pkg/util/validation/ip.go, without the strictness
 * that upstream keeps behind StrictIPCIDRValidation: leading zeros pass).
 */
import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import type { Causes } from "./causes.ts";

export type IpFamily = "IPv4" | "IPv6";

/** Octets lose their leading zeros, which other programs read as octal. */
function withoutLeadingZeros(text: string): string {
  return /^[\d.]+$/.test(text) ? text.replace(/(^|\.)0+(?=\d)/g, "$1") : text;
}

/** @returns undefined for what is no address */
export function familyOf(text: string): IpFamily | undefined {
  const plain = withoutLeadingZeros(text);
  if (isIPv4(plain)) return "IPv4";
  return isIPv6(plain) && !plain.includes("%") ? "IPv6" : undefined;
}

interface Cidr {
  readonly address: string;
  readonly family: IpFamily;
  readonly bits: number;
}

/** @returns undefined for what is no CIDR */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  const family = familyOf(address);
  if (!family || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const bits = Number(length);
  if (bits > (family === "IPv4" ? 32 : 128)) return undefined;
  return { address: withoutLeadingZeros(address), family, bits };
}

export function validateIp(value: string | undefined, path: string, out: Causes): boolean {
  if (familyOf(value ?? "")) return true;
  out.invalid(path, value ?? "", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  return false;
}

export function validateCidr(value: string, path: string, out: Causes): boolean {
  if (parseCidr(value)) return true;
  out.invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  return false;
}

/** The one text of an address: RFC 5952 for IPv6. Undefined for what is no address. */
export function canonicalIp(text: string): string | undefined {
  if (!familyOf(text)) return undefined;
  const address = ipaddr.parse(withoutLeadingZeros(text));
  return address.kind() === "ipv4" ? address.toString() : (address as ipaddr.IPv6).toRFC5952String();
}

/** The network of a CIDR in its one text, "10.0.0.0/8". */
export function canonicalCidr(text: string): string | undefined {
  const cidr = parseCidr(text);
  if (!cidr) return undefined;
  const whole = `${cidr.address}/${cidr.bits}`;
  const network =
    cidr.family === "IPv4" ? ipaddr.IPv4.networkAddressFromCIDR(whole) : ipaddr.IPv6.networkAddressFromCIDR(whole);
  return `${canonicalIp(network.toString())!}/${cidr.bits}`;
}

/** Whether `inner` lies in `outer` and is smaller. */
export function isStrictSubnet(inner: string, outer: string): boolean {
  const a = parseCidr(inner);
  const b = parseCidr(outer);
  if (!a || !b || a.family !== b.family || a.bits <= b.bits) return false;
  if (a.family === "IPv4") return ipaddr.IPv4.parse(a.address).match(ipaddr.IPv4.parse(b.address), b.bits);
  return ipaddr.IPv6.parse(a.address).match(ipaddr.IPv6.parse(b.address), b.bits);
}

const special: readonly { readonly ranges: readonly string[]; readonly words: string }[] = [
  { ranges: ["loopback"], words: "may not be in the loopback range (127.0.0.0/8, ::1/128)" },
  { ranges: ["linkLocal"], words: "may not be in the link-local range (169.254.0.0/16, fe80::/10)" },
];
const linkLocalMulticast = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";

/** Refuses addresses that mean something to one node alone (upstream's ValidateNonSpecialIP). */
export function validateNonSpecialIp(value: string, path: string, out: Causes): void {
  if (!familyOf(value)) {
    out.invalid(path, value, "must be a valid IP address");
    return;
  }
  const address = ipaddr.process(withoutLeadingZeros(value));
  const range = address.range();
  const bytes = address.toByteArray();
  if (bytes.every((byte) => byte === 0)) out.invalid(path, value, `may not be unspecified (${value})`);
  for (const { ranges, words } of special) if (ranges.includes(range)) out.invalid(path, value, words);
  const isLocalGroup =
    bytes.length === 4
      ? bytes[0] === 224 && bytes[1] === 0 && bytes[2] === 0
      : bytes[0] === 0xff && (bytes[1]! & 0xf) === 2;
  if (isLocalGroup) out.invalid(path, value, linkLocalMulticast);
}

/** At most one of each family, and no text twice. */
export function areOnePerFamily(addresses: readonly string[]): boolean {
  const families = addresses.map((text) => familyOf(text.split("/")[0]!));
  return families.length <= 2 && new Set(families).size === families.length;
}
