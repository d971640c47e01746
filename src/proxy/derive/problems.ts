/**
 * What of a Service and its EndpointSlices cannot be served, and why: that part is left out, the rest of the
 * object and every other object are served. The agent makes Events of the Service of it.
 */
import { ipBytes, ipText, ipv4Number, type IpAddress } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";

/** An Event's reason, of type Warning. */
export type ProblemReason =
  /** As upstream's LogAndEmitIncorrectIPVersionEvent (pkg/proxy/util/utils.go). */
  | "KubeProxyIncorrectIPVersion"
  | "InvalidAddress"
  | "InvalidPort"
  | "InvalidProtocol"
  | "InvalidSourceRange"
  | "InvalidAffinityTimeout"
  /** fairlead.dev/ipvs-scheduler */
  | "InvalidScheduler"
  /** Two ports of the Service have the same name and protocol, or the same number and protocol. */
  | "DuplicatePort"
  /** Another Service has that address, port and protocol already. */
  | "FrontendTaken";

export interface Problem {
  readonly reason: ProblemReason;
  /** "spec.ports[1].port", "EndpointSlice web-x7k2p: endpoints[3].addresses[0]" */
  readonly field: string;
  readonly message: string;
}

export type Report = (problem: Problem) => void;
export const ignoreProblems: Report = () => undefined;

/** An object's field, and whom to tell what is wrong with it. */
export interface Place {
  readonly field: string;
  readonly report: Report;
}

export function tell({ field, report }: Place, reason: ProblemReason, message: string): undefined {
  report({ reason, field, message });
}

/** A port that packets can have. */
export function checkedPort(port: unknown, place: Place): number | undefined {
  if (Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535) return port as number;
  return tell(place, "InvalidPort", `${String(port)} in ${place.field} is not a port: 1 to 65535`);
}

/**
 * The address, of either family, as packets have it: an IPv4 address mapped into IPv6 is IPv4, as upstream (Go's To4).
 *
 * @returns undefined for what is no address, or none that a packet may be sent on to: as the API server validates
 *   (ValidateEndpointIP), so that nobody reaches what the node serves to itself
 */
export function checkedAddress(text: unknown, place: () => Place): IpAddress | undefined {
  if (typeof text === "string" && isPlainIpv4(text)) return text;
  const bytes = typeof text === "string" ? unmapped(ipBytes(text)) : undefined;
  const special = bytes && specialOf(bytes);
  if (bytes && special === undefined) return ipText(bytes);
  const at = place();
  if (!bytes) return tell(at, "InvalidAddress", `${JSON.stringify(text)} in ${at.field} is not an address`);
  return tell(at, "InvalidAddress", `${String(text)} in ${at.field} may not be ${special}`);
}

/** IPv4, and far from all that is special: nearly all are, and a cluster has a hundred thousand of them. */
export function isPlainIpv4(text: string): text is IpAddress {
  const first = (ipv4Number(text) ?? 0) >>> 24;
  return first > 0 && first < 224 && first !== 127 && first !== 169;
}

export function isOf(family: IpFamily, address: IpAddress): boolean {
  return address.includes(":") === (family === "IPv6");
}

function unmapped(bytes: Uint8Array | undefined): Uint8Array | undefined {
  const isMapped = bytes?.length === 16 && bytes.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff));
  return isMapped ? bytes.slice(12) : bytes;
}

/** RFC 6890 */
function specialOf(bytes: Uint8Array): string | undefined {
  const [a = 0, b = 0] = bytes;
  if (bytes.length === 4) {
    if (a === 127) return "loopback";
    if (a === 169 && b === 254) return "link-local";
    if (a >= 224) return a < 240 ? "multicast" : "reserved or broadcast";
    return a === 0 ? "unspecified" : undefined;
  }
  if (a === 0xff) return "multicast";
  if (a === 0xfe && (b & 0xc0) === 0x80) return "link-local";
  if (a !== 0 || bytes.some((byte, i) => i < 15 && byte !== 0)) return undefined;
  return bytes[15] === 1 ? "loopback" : bytes[15] === 0 ? "unspecified" : undefined;
}
