/** A connection's first packet as it is followed through the hooks, and what it met. */
import { ipBytes, type IpAddress } from "../../model/address.ts";
import type { IpFamily } from "../../model/service.ts";

/** Who sends what to whom. Names of links are undefined where nobody knows them. */
export interface TracedPacket {
  readonly family: IpFamily;
  /** IANA's number: 6 TCP, 17 UDP, 132 SCTP. */
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly mark?: number;
  /** The link that it comes in by; undefined: it is this node's own. */
  readonly inInterface?: string;
}

/** What the ruleset asks of where it runs. */
export interface NodeFacts {
  /** Whether the address is one of this node's. */
  isLocal(address: IpAddress): boolean;
  /** Whether an ipset has the packet's fields, as "dst,dst,src" names them. Default: there are no ipsets. */
  isInSet?(set: string, fields: readonly string[], packet: TracedPacket): boolean;
}

/** What a packet met, in order. */
export type TraceStep =
  | { readonly step: "hook"; readonly hook: string; readonly chain: string }
  | { readonly step: "enter"; readonly by: "jump" | "goto"; readonly chain: string }
  | { readonly step: "lookup"; readonly set: string; readonly key: string; readonly found: string | undefined }
  | { readonly step: "draw"; readonly number: number; readonly below: number }
  | { readonly step: "mark"; readonly mark: number }
  | { readonly step: "remember"; readonly set: string; readonly key: string; readonly data: string }
  | { readonly step: "forget"; readonly set: string; readonly key: string }
  | { readonly step: "translate"; readonly address: IpAddress; readonly port: number | undefined }
  | { readonly step: "masquerade" }
  | { readonly step: "drop" }
  | { readonly step: "reject" };

/** Newest first, so that branches share what they have in common. */
interface Trail {
  readonly step: TraceStep;
  readonly before: Trail | undefined;
}

/** One of the ways that a packet may go: where a number is drawn, ways part. */
export interface Way {
  readonly packet: TracedPacket;
  readonly mark: number;
  readonly priority: number;
  /** Sixteen registers of 32 bits; a copy for each write. */
  readonly registers: Uint8Array;
  readonly translated: boolean;
  readonly masqueraded: boolean;
  readonly probability: number;
  readonly trail: Trail | undefined;
}

export function begin(packet: TracedPacket): Way {
  return {
    packet,
    mark: packet.mark ?? 0,
    priority: 0,
    registers: new Uint8Array(64),
    translated: false,
    masqueraded: false,
    probability: 1,
    trail: undefined,
  };
}

export function met(way: Way, step: TraceStep): Way {
  return { ...way, trail: { step, before: way.trail } };
}

export function stepsOf({ trail }: Way): readonly TraceStep[] {
  const steps: TraceStep[] = [];
  for (let at = trail; at; at = at.before) steps.push(at.step);
  return steps.reverse();
}

/** Bytes of the network header from `offset` on: addresses alone (RFC 791, RFC 8200). */
export function networkBytes({ family, source, destination }: TracedPacket, offset: number, len: number) {
  const [from, bytes] = family === "IPv4" ? [12, 4] : [8, 16];
  if (len !== bytes) return undefined;
  if (offset === from) return ipBytes(source)!;
  return offset === from + bytes ? ipBytes(destination)! : undefined;
}

/** Ports are at the same place in TCP, UDP and SCTP. */
export function transportBytes({ sourcePort, destinationPort }: TracedPacket, offset: number, len: number) {
  if (len !== 2 || (offset !== 0 && offset !== 2)) return undefined;
  const port = offset === 0 ? sourcePort : destinationPort;
  return Uint8Array.of(port >>> 8, port);
}
