/** Which packets of this node's pods get the node's address: those that leave the cluster. */
import { mergedRanges, parseCidr, type AddressRange, type Cidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";

export interface MasqueradeOptions {
  readonly enabled: boolean;
  /** Where pods have their addresses; empty: every node's podCIDRs, as Node objects have them. */
  readonly clusterCidrs: readonly Cidr[];
  /** Further destinations that see pods' own addresses. */
  readonly exclusions: readonly Cidr[];
}

export interface Masquerade {
  readonly family: IpFamily;
  /** Whose packets. */
  readonly podCidr: Cidr;
  /** Destinations that see the pod's own address: disjoint, ascending. */
  readonly exempt: readonly AddressRange[];
}

/** Groups, and the link itself: nothing that another address could be of use for (RFC 5771, RFC 4291, RFC 3927). */
const always: Readonly<Record<IpFamily, readonly Cidr[]>> = {
  IPv4: ["224.0.0.0/4", "169.254.0.0/16"].map((text) => parseCidr(text)!),
  IPv6: ["ff00::/8", "fe80::/10"].map((text) => parseCidr(text)!),
};

/** @param podCidr this node's of the family @param nodeCidrs every node's. @returns undefined: no packet is changed */
export function deriveMasquerade(
  family: IpFamily,
  options: MasqueradeOptions,
  podCidr: Cidr | undefined,
  nodeCidrs: readonly Cidr[],
): Masquerade | undefined {
  if (!options.enabled || !podCidr) return undefined;
  const cluster = options.clusterCidrs.some((cidr) => cidr.family === family) ? options.clusterCidrs : nodeCidrs;
  const all = [podCidr, ...cluster, ...options.exclusions, ...always[family]];
  return { family, podCidr, exempt: mergedRanges(all.filter((cidr) => cidr.family === family)) };
}
