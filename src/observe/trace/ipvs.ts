/**
 * Leads a connection's first packet through iptables, ipsets and virtual servers of IPVS: pure. IPVS takes packets at INPUT
 * behind the filter, and this node's own at OUTPUT before it (net/netfilter/ipvs/ip_vs_core.c, ip_vs_ops4); what it has
 * given a destination goes through OUTPUT and POSTROUTING, and is translated by no rule of nat any more.
 */
import { elementText } from "../../kernel/netlink/ipset/step.ts";
import type { Ipset, IpsetElement } from "../../kernel/netlink/ipset/set.ts";
import type { IpvsServiceWithDestinations } from "../../kernel/netlink/ipvs/service.ts";
import { hostPort, type IpAddress } from "../../model/address.ts";
import { holds } from "../../model/cidr.ts";
import { protocolNumbers } from "../../model/service.ts";
import { outcome, Tracer, translate, type TracedTables } from "./iptables.ts";
import type { Outcome } from "./nftables.ts";
import { begin, met, type NodeFacts, type TracedPacket, type Way } from "./packet.ts";

export interface IpvsState {
  readonly tables: TracedTables;
  readonly sets: readonly Ipset[];
  readonly servers: readonly IpvsServiceWithDestinations[];
  /** Addresses that the machine has for Services. */
  readonly addresses: readonly IpAddress[];
}

/** @throws FairleadError TRACE for any match or target whose effect is not known */
export function traceIpvs(state: IpvsState, packet: TracedPacket, node: NodeFacts): readonly Outcome[] {
  const bound = new Set<string>(state.addresses);
  const isLocal = (address: IpAddress): boolean => bound.has(address) || node.isLocal(address);
  const sets = new Map(state.sets.map((set) => [set.name, set]));
  const facts: NodeFacts = { isLocal, isInSet: (set, fields, of) => isInSet(sets.get(set), fields, of) };
  const tracer = new IpvsTracer(state, facts);
  if (packet.inInterface !== undefined) return tracer.comes(begin(packet));
  // The kernel gives a packet to an address of this machine that address for a source (fib_table_lookup, RTN_LOCAL).
  const source = bound.has(packet.destination) ? packet.destination : packet.source;
  return tracer.goes(begin({ ...packet, source }));
}

/** "6 10.96.0.1:80", as a packet names it; one of a mark has no such name. */
function nameOf({ key }: IpvsServiceWithDestinations): readonly string[] {
  return "mark" in key ? [] : [`${numberOf(key)} ${hostPort(key.address, key.port)}`];
}

class IpvsTracer extends Tracer {
  readonly #servers: ReadonlyMap<string, IpvsServiceWithDestinations>;

  constructor({ tables, servers }: IpvsState, node: NodeFacts) {
    super(tables, node);
    this.#servers = new Map(servers.flatMap((server) => nameOf(server).map((name) => [name, server] as const)));
  }

  comes(way: Way): readonly Outcome[] {
    for (const one of this.hook("PREROUTING", [way])) {
      if (this.node.isLocal(one.packet.destination)) this.#input(one);
      else this.through(["FORWARD", "POSTROUTING"], [one]);
    }
    return this.ended;
  }

  goes(way: Way): readonly Outcome[] {
    for (const one of this.hook("OUTPUT", [way], ["raw", "mangle", "nat"])) {
      if (this.#balance(one)) continue;
      const out = this.hook("POSTROUTING", this.hook("OUTPUT", [one], ["filter"]));
      for (const sent of out) {
        // By loopback it comes back; nat has looked at it once.
        if (!this.node.isLocal(sent.packet.destination)) this.ended.push(outcome(sent, "accepted"));
        else for (const back of this.hook("PREROUTING", [sent], ["raw", "mangle"])) this.#input(back);
      }
    }
    return this.ended;
  }

  #input(way: Way): void {
    for (const one of this.hook("INPUT", [way], ["mangle", "filter"])) {
      if (!this.#balance(one)) this.ended.push(outcome(one, "accepted"));
    }
  }

  /** @returns whether it is for a virtual server */
  #balance(way: Way): boolean {
    const { destination: address, destinationPort: port, protocol } = way.packet;
    const server = this.#servers.get(`${protocol} ${hostPort(address, port)}`);
    if (!server) return false;
    const taking = server.destinations.filter(({ weight }) => weight > 0);
    // ip_vs_leave: nobody is there to take it.
    if (taking.length === 0) this.ended.push(outcome(met(way, { step: "reject" }), "rejected"));
    for (const to of taking) {
      const share = { ...way, probability: way.probability / taking.length };
      const sent = this.hook("OUTPUT", [translate(share, hostPort(to.address, to.port))], ["raw", "mangle", "filter"]);
      for (const one of this.hook("POSTROUTING", sent)) this.ended.push(outcome(one, "accepted"));
    }
    return true;
  }
}

function isInSet(set: Ipset | undefined, fields: readonly string[], packet: TracedPacket): boolean {
  if (!set) return false;
  const { source, destination, destinationPort: port, protocol } = packet;
  const [first, , third] = fields;
  const ofSide = (side: string | undefined): IpAddress => (side === "src" ? source : destination);
  return set.elements.some((element) => {
    if (set.definition.type === "bitmap:port") return element.port === port;
    const isAddress = element.ip === ofSide(first);
    if (set.definition.type === "hash:ip") return isAddress;
    const isPort = element.port === port && numberOf(element) === protocol;
    return isAddress && isPort && (third === undefined || isWithin(element, ofSide(third)));
  });
}

function numberOf({ protocol }: Pick<IpsetElement, "protocol">): number | undefined {
  return protocolNumbers[String(protocol).toUpperCase() as keyof typeof protocolNumbers];
}

function isWithin(element: IpsetElement, address: IpAddress): boolean {
  const { ip2, cidr2 } = element;
  if (ip2 === undefined) throw new TypeError(`${elementText(element)} has no second address`);
  const family = ip2.includes(":") ? "IPv6" : "IPv4";
  return holds({ family, address: ip2, prefix: cidr2 ?? (family === "IPv4" ? 32 : 128) }, address);
}
