/** Leads a connection's first packet through the userspace mode's table, and what comes to the relay on to endpoints. */
import type { NftTable } from "../../kernel/netlink/nftables/state.ts";
import type { RelayFrontend } from "../../kernel/ports.ts";
import type { IpAddress } from "../../model/address.ts";
import { Backends } from "../../proxy/derive/backends.ts";
import { tracePacket, type NodeFacts, type Outcome, type TracedPacket } from "./nftables.ts";

/** What the relay would do. */
export interface TracedRelay {
  frontendAt(port: number, original: { readonly address: IpAddress; readonly port: number }): RelayFrontend | undefined;
}

/** @throws FairleadError TRACE for anything in its way whose effect is not known */
export function traceUserspace(
  table: NftTable,
  relay: TracedRelay,
  packet: TracedPacket,
  node: NodeFacts,
): readonly Outcome[] {
  const original = { address: packet.destination, port: packet.destinationPort };
  return tracePacket(table, packet, node).flatMap((outcome): readonly Outcome[] => {
    if (outcome.verdict !== "accepted" || !outcome.translated) return [outcome];
    const frontend = relay.frontendAt(outcome.destination.port, original);
    // The relay closes what is nobody's.
    if (!frontend) return [{ ...outcome, verdict: "rejected" }];
    const backends = [...Backends.ofRow(frontend.family, frontend.endpoints)];
    const probability = outcome.probability / backends.length;
    // Endpoints see the relay, which is this node.
    return backends.map(({ ip: address, port }) => ({
      ...outcome,
      probability,
      destination: { address, port },
      masqueraded: true,
    }));
  });
}
