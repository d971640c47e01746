/** What virtual servers have counted, by frontend. Pure. */
import { serviceName, type ListedIpvsService } from "../../../kernel/netlink/ipvs/service.ts";
import type { FrontendCount } from "../../../model/service.ts";
import type { Ruleset } from "./ruleset.ts";

/**
 * Bit by bit. A node port is served by one virtual server at each address of the node: together they are its count.
 *
 * @returns one for each frontend: its connections, and all bytes that came in
 */
export function* countsOf(
  ruleset: Ruleset,
  services: readonly ListedIpvsService[],
): Generator<void, readonly FrontendCount[], void> {
  const counted = new Map(services.map(({ key, counters }) => [serviceName(key), counters]));
  const { nodePortAddresses } = ruleset.options;
  const counts: FrontendCount[] = [];
  for (const { service, family, protocol, address, port } of ruleset.frontends()) {
    let [packets, bytes] = [0n, 0n];
    for (const at of address === undefined ? nodePortAddresses : [address]) {
      const key = { address: at, port, protocol: protocol.toLowerCase() as "tcp" | "udp" | "sctp" };
      const counters = counted.get(serviceName(key));
      packets += counters?.connections ?? 0n;
      bytes += counters?.bytesIn ?? 0n;
    }
    counts.push({ service, family, protocol, address, port, packets, bytes });
    yield;
  }
  return counts;
}
