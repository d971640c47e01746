/** spec.loadBalancerSourceRanges as ranges that one set can hold: none lies within another. */
import type { IpAddress } from "../../model/address.ts";
import { cidrText, holds, parseCidr, rangeOf, type Cidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import { tell, type Report } from "./problems.ts";

/** @returns those of the family, as text, ascending */
export function sourceRanges(ranges: readonly string[], family: IpFamily, report: Report): readonly string[] {
  const cidrs = ranges.flatMap((text, i) => {
    // The API server lets spaces around them pass, and so does upstream.
    const cidr = parseCidr(text.trim());
    if (cidr) return cidr.family === family ? [cidr] : [];
    const field = `spec.loadBalancerSourceRanges[${i}]`;
    tell({ field, report }, "InvalidSourceRange", `${JSON.stringify(text)} in ${field} is not a range of addresses`);
    return [];
  });
  return outermost(cidrs).map(cidrText);
}

/**
 * Where this node itself may come, it may come by the load balancer's address too: that address is often one of
 * the node's, and packets to it then have it for a source (upstream: allowFromNode).
 */
export function withNode(ranges: readonly string[], vip: IpAddress, nodeIps: readonly IpAddress[]): readonly string[] {
  const cidrs = ranges.map((range) => parseCidr(range)!);
  const allowed = cidrs.some((cidr) => nodeIps.some((ip) => holds(cidr, ip)));
  if (!allowed || cidrs.some((cidr) => holds(cidr, vip))) return ranges;
  return [...ranges, `${vip}/${vip.includes(":") ? 128 : 32}`];
}

/** Two ranges of addresses are apart, or one is within the other: the kernel takes them once (nft_set_pipapo.c). */
function outermost(cidrs: readonly Cidr[]): readonly Cidr[] {
  const sorted = cidrs
    .map((cidr) => ({ cidr, ...rangeOf(cidr) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : a.cidr.prefix - b.cidr.prefix));
  let last = -1n;
  return sorted.flatMap((one) => {
    if (one.last <= last) return [];
    last = one.last;
    return [one.cidr];
  });
}
