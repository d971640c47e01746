/** What virtual servers have counted, by frontend. Pure. */
import {
  serviceName,
  type IpvsServiceWithDestinations,
  type ListedIpvsService,
} from "../../../kernel/netlink/ipvs/service.ts";
import type { ServerCount } from "../../../model/server_count.ts";
import type { FrontendCount } from "../../../model/service.ts";
import type { Frontend } from "../../derive/frontends.ts";
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
  const counts: FrontendCount[] = [];
  for (const frontend of ruleset.frontends()) {
    const { service, family, protocol, address, port } = frontend;
    let [packets, bytes] = [0n, 0n];
    for (const name of serversOf(ruleset, frontend)) {
      const counters = counted.get(name);
      packets += counters?.connections ?? 0n;
      bytes += counters?.bytesIn ?? 0n;
    }
    counts.push({ service, family, protocol, address, port, packets, bytes });
    yield;
  }
  return counts;
}

/**
 * Bit by bit.
 *
 * @param listed what there is, whoever's it is
 * @returns one for each virtual server that is a Service's; of two that want one address and port it is the first by name
 */
export function* serverCountsOf(
  ruleset: Ruleset,
  listed: readonly IpvsServiceWithDestinations[],
): Generator<void, readonly ServerCount[], void> {
  const owners = new Map<string, Frontend>();
  for (const frontend of ruleset.frontends()) {
    for (const name of serversOf(ruleset, frontend)) {
      // A frontend with an address of its own comes before a node port at that address.
      if (!owners.has(name) || frontend.address !== undefined) owners.set(name, frontend);
    }
    yield;
  }
  const counts: ServerCount[] = [];
  for (const { key, counters, destinations } of listed) {
    const owner = owners.get(serviceName(key));
    if (!owner || "mark" in key) continue;
    const { service, protocol } = owner;
    counts.push({ service, protocol, address: key.address, port: key.port, counters, destinations });
    yield;
  }
  return counts;
}

/** Names of the virtual servers by which a frontend is served. */
function serversOf(
  { options: { nodePortAddresses } }: Ruleset,
  { address, port, protocol }: Frontend,
): readonly string[] {
  const named = protocol.toLowerCase() as "tcp" | "udp" | "sctp";
  return (address === undefined ? nodePortAddresses : [address]).map((at) =>
    serviceName({ address: at, port, protocol: named }),
  );
}
