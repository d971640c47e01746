/** The protocol's numbers (RFC 1035, 2782, 3596, 6891; IANA's registry of DNS parameters). */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Extended: its upper bits are in OPT (RFC 6891, 6.1.3). */
  BADVERS: 16,
} as const;

export const classIn = 1;

export const flagBits = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, CD: 0x0010 } as const;

export const headerBytes = 12;
/** Of an OPT without options. */
export const optBytes = 11;
/** What a client without EDNS takes over UDP (RFC 1035, 4.2.1). */
export const plainUdpBytes = 512;
/** What we take and send over UDP at most, so that nothing is fragmented (DNS flag day 2020). */
export const ednsUdpBytes = 1232;
export const maxMessageBytes = 65_535;

export function typeName(type: number): string {
  return typeNames.get(type) ?? "other";
}

const typeNames = new Map<number, string>([
  ...Object.entries(types).map(([name, number]) => [number, name] as const),
  [15, "MX"],
  [35, "NAPTR"],
  [43, "DS"],
  [46, "RRSIG"],
  [47, "NSEC"],
  [48, "DNSKEY"],
  [64, "SVCB"],
  [65, "HTTPS"],
]);

export function rcodeName(rcode: number): string {
  return Object.entries(rcodes).find(([, number]) => number === rcode)?.[0] ?? String(rcode);
}
