/** Branded addresses and the only place that turns their text into bytes and back. */
import ipaddr from "ipaddr.js";

/** An IPv4 or IPv6 address in canonical text (RFC 5952 for IPv6). */
export type IpAddress = string & { readonly __brand: "IpAddress" };
/** A MAC address in lower-case colon form, "02:00:00:00:00:01". */
export type MacAddress = string & { readonly __brand: "MacAddress" };

/**
 * Bytes of an address, 4 or 16 of them; undefined when the text is not an address.
 * IPv4 is strict dotted decimal (no octal, no short forms), as Kubernetes reads addresses.
 */
export function ipBytes(text: string): Uint8Array | undefined {
  if (text.includes(":")) {
    // A zone ("%eth0") is no part of an address on the wire.
    if (text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
    return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray());
  }
  return ipv4Bytes(text);
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const number = ipv4Number(text);
  return number === undefined ? undefined : Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/** The four bytes as one number, below 2³²; undefined when the text is not an IPv4 address. Allocates nothing. */
export function ipv4Number(text: string): number | undefined {
  let number = 0;
  let octet = 0;
  let digits = 0;
  let at = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 46;
    if (c === 46) {
      if (digits === 0 || at === 4) return undefined;
      number = number * 256 + octet;
      at++;
      octet = 0;
      digits = 0;
    } else {
      if (c < 48 || c > 57 || (digits > 0 && octet === 0)) return undefined;
      octet = octet * 10 + c - 48;
      if (++digits > 3 || octet > 255) return undefined;
    }
  }
  return at === 4 ? number : undefined;
}

/** Canonical text of 4 or 16 bytes; undefined for any other length. */
export function ipText(bytes: Uint8Array): IpAddress | undefined {
  if (bytes.length === 4) return bytes.join(".") as IpAddress;
  if (bytes.length === 16) return new ipaddr.IPv6([...bytes]).toRFC5952String() as IpAddress;
  return undefined;
}

/** The address in canonical form, or undefined when the text is not an address. */
export function parseIp(text: string): IpAddress | undefined {
  // Strict dotted decimal has one form.
  if (ipv4Number(text) !== undefined) return text as IpAddress;
  const bytes = ipBytes(text);
  return bytes && ipText(bytes);
}

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** The 6 bytes of a MAC address; undefined when the text is not one. */
export function macBytes(text: string): Uint8Array | undefined {
  if (!macPattern.test(text)) return undefined;
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

/** Text of 6 bytes; undefined for any other length. */
export function macText(bytes: Uint8Array): MacAddress | undefined {
  if (bytes.length !== 6) return undefined;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":") as MacAddress;
}

/** A host and a port as URLs, Go's net.JoinHostPort and Kubernetes write them: an IPv6 address in brackets (RFC 3986 §3.2.2). */
export function hostPort(host: string, port: number | string): string {
  return `${urlHost(host)}:${port}`;
}

/** The host as the part of a URL before its port. */
export function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
