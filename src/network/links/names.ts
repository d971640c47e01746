/** Names and addresses that tell the pods' links from all others on the node. Pure. */
import { createHash } from "node:crypto";
import { macText, parseIp, type IpAddress, type MacAddress } from "../../model/address.ts";
import type { Owner } from "../ipam/leases.ts";

/** What every host end's name begins with (KubeProxyConfiguration: detectLocal.interfaceNamePrefix). */
export const hostLinkPrefix = "flp";

/** IFLA_GROUP of host ends: what rules match, because no name of somebody else's can be in it. */
export const podLinkGroup = 0x666c70;

/** Of those that are being deleted together. */
export const goingLinkGroup = podLinkGroup + 1;

/** IFNAMSIZ holds 15 bytes and the NUL. */
const nameBytes = 15;

/** The same for the same attachment, so that it is found without any state. */
export function hostLinkName(owner: Owner): string {
  const digest = createHash("sha256").update(identity(owner)).digest("hex");
  return hostLinkPrefix + digest.slice(0, nameBytes - hostLinkPrefix.length);
}

/** A locally administered address that no other pod of the node has. */
export function podMac(owner: Owner): MacAddress {
  const digest = createHash("sha256").update("mac\0").update(identity(owner)).digest();
  return macText(Uint8Array.of(0x02, ...digest.subarray(0, 5)))!;
}

/** Where routed pods find the node, the same for all: what stands in their neighbour tables never changes. */
export const routerMac = "02:66:6c:70:00:01" as MacAddress;

/** Of link-local ranges, which nobody routes: pods' next hop (RFC 3927, RFC 4291). */
export const routerAddress = { IPv4: "169.254.1.1", IPv6: "fe80::1" } as {
  readonly IPv4: IpAddress;
  readonly IPv6: IpAddress;
};

/** The link-local address that the kernel would make of a MAC address (RFC 4291, appendix A). */
export function linkLocal(mac: MacAddress): IpAddress {
  const [a, b, c, d, e, f] = mac.split(":").map((part) => Number.parseInt(part, 16)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return parseIp(`fe80::${groups.map((group) => group.toString(16)).join(":")}`)!;
}

function identity({ network, containerId, ifName }: Owner): string {
  return [network, containerId, ifName].join("\0");
}
