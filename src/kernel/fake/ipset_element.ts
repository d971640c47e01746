/** Which elements a set takes, as the kernel decides it (net/netfilter/ipset/ip_set_hash_*.c, ip_set_bitmap_port.c). */
import { ipBytes, ipText, type IpAddress } from "../../model/address.ts";
import type { IpsetDefinition, IpsetElement } from "../netlink/ipset/set.ts";

/** ipset's own errors (ip_set.h), and the fake's. */
export const ipsetErrno = {
  protocol: 4097,
  busy: 4100,
  existName2: 4101,
  typeMismatch: 4102,
  exists: 4103,
  invalidCidr: 4104,
  timeout: 4107,
  referenced: 4108,
  counter: 4111,
  comment: 4112,
  /** hash: full; bitmap: out of range; list: no such set. */
  specific: 4352,
  loop: 4353,
  missingProtocol: 4355,
  listFull: 4356,
} as const;

/** The element as the kernel would list it, the errno that it is refused with, or what the fake does not model. */
export type Accepted =
  { readonly element: IpsetElement } | { readonly errno: number } | { readonly notModelled: string };

export function accept(definition: IpsetDefinition, element: IpsetElement): Accepted {
  const wrongExtension = extensionError(definition, element);
  if (wrongExtension !== undefined) return { errno: wrongExtension };
  if (element.ipTo ?? element.ip2To ?? element.portTo) return { notModelled: "ranges of elements" };
  switch (definition.type) {
    case "bitmap:port":
      return acceptPort(definition, element);
    case "list:set":
      return element.set === undefined ? { errno: ipsetErrno.protocol } : { element };
    default:
      return acceptHash(definition, element);
  }
}

function extensionError(definition: IpsetDefinition, element: IpsetElement): number | undefined {
  if (element.timeoutSeconds !== undefined && definition.timeoutSeconds === undefined) return ipsetErrno.timeout;
  const isCounted = element.bytes !== undefined || element.packets !== undefined;
  if (isCounted && !definition.counters) return ipsetErrno.counter;
  if (element.comment !== undefined && !definition.comment) return ipsetErrno.comment;
  return undefined;
}

function acceptPort(definition: IpsetDefinition & { type: "bitmap:port" }, element: IpsetElement): Accepted {
  if (element.port === undefined) return { errno: ipsetErrno.protocol };
  const isWithin = element.port >= definition.portFrom && element.port <= definition.portTo;
  return isWithin ? { element } : { errno: ipsetErrno.specific };
}

type Hash = Extract<IpsetDefinition, { family: unknown }>;

function acceptHash(definition: Hash, element: IpsetElement): Accepted {
  const [, ...dimensions] = definition.type.split(/[:,]/);
  if (dimensions.includes("iface")) return { notModelled: `sets of type ${definition.type}` };
  const [first, second] = [
    networkOf(definition, element.ip, element.cidr),
    networkOf(definition, element.ip2, element.cidr2),
  ];
  if (typeof first === "number") return { errno: first };
  if (typeof second === "number") return { errno: second };
  const isShort =
    !first || (dimensions.length === 3 && !second) || (dimensions.includes("port") && element.port === undefined);
  if (isShort) return { errno: ipsetErrno.protocol };
  if (dimensions.includes("port") && element.protocol === undefined) return { errno: ipsetErrno.missingProtocol };
  const isExpanded = dimensions[0] === "ip" && element.cidr !== undefined && element.cidr !== maxCidr(definition);
  if (isExpanded) return { notModelled: "networks in sets of addresses" };
  return { element: canonical(element, first, second, dimensions) };
}

interface Network {
  readonly address: IpAddress;
  readonly cidr: number;
}

function canonical(
  element: IpsetElement,
  first: Network,
  second: Network | undefined,
  dimensions: string[],
): IpsetElement {
  const { cidr: _cidr, cidr2: _cidr2, ...rest } = element;
  const firstPart = dimensions[0] === "net" ? { ip: first.address, cidr: first.cidr } : { ip: first.address };
  const isNet2 = dimensions[2] === "net";
  const secondPart = !second ? {} : isNet2 ? { ip2: second.address, cidr2: second.cidr } : { ip2: second.address };
  return { ...rest, ...firstPart, ...secondPart };
}

/** The network with its host bits cut off; a number is the errno of one that is refused. */
function networkOf(definition: Hash, address: IpAddress | undefined, bits?: number): Network | number | undefined {
  if (address === undefined) return undefined;
  const bytes = ipBytes(address);
  const width = definition.family === "ip" ? 4 : 16;
  if (bytes?.length !== width) return ipsetErrno.protocol;
  const cidr = bits ?? maxCidr(definition);
  if (cidr < 1 || cidr > maxCidr(definition)) return ipsetErrno.invalidCidr;
  const masked = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, cidr - i * 8))));
  return { address: ipText(masked)!, cidr };
}

function maxCidr(definition: Hash): number {
  return definition.family === "ip" ? 32 : 128;
}

/** What makes an element one element: all but its extensions. */
export function elementKey(element: IpsetElement): string {
  const { ip, cidr, port, protocol, ip2, cidr2, set } = element;
  return JSON.stringify([ip, cidr, port, protocol, ip2, cidr2, set]);
}
