/** How large pods' packets may be: what is left of the underlay's MTU. Pure. */
import type { IpFamily } from "../../model/service.ts";

export type Encapsulation =
  | { readonly kind: "none" }
  /** @param underlay family of the nodes' addresses that tunnels go between */
  | { readonly kind: "vxlan"; readonly underlay: IpFamily };

/** RFC 7348: outer IP header, UDP, VXLAN, inner Ethernet. */
const overheadBytes = { IPv4: 20 + 8 + 8 + 14, IPv6: 40 + 8 + 8 + 14 } as const;

/** RFC 8200: no link with IPv6 may have less. */
const minMtu = 1280;

/** @param underlayMtus of the links over which nodes reach one another; none: 1500 */
export function podMtu(underlayMtus: readonly number[], encapsulation: Encapsulation): number {
  const underlay = underlayMtus.length === 0 ? 1500 : Math.min(...underlayMtus);
  const overhead = encapsulation.kind === "none" ? 0 : overheadBytes[encapsulation.underlay];
  return Math.max(minMtu, underlay - overhead);
}
