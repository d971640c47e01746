/** The frontends of a service port whose flows conntrack keeps longer than it should: those of UDP and SCTP. */
import type { IpAddress } from "../../model/address.ts";
import { holds, parseCidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import { endpointKey } from "../derive/endpoints.ts";
import type { WantedPort } from "../derive/derive.ts";

export type FlowProtocol = "udp" | "sctp";

/** What the packets of a flow were sent to first. */
export interface FlowFrontend {
  readonly family: "ip" | "ip6";
  readonly protocol: FlowProtocol;
  /** Undefined: a node port, at every address that serves them. */
  readonly address: IpAddress | undefined;
  readonly port: number;
  /** Ranges that clients must come from; undefined: any. */
  readonly sourceRanges?: readonly string[] | undefined;
}

/** What a service port has of them. */
export interface FlowPort {
  /** By {@link frontendKey}. */
  readonly frontends: ReadonlyMap<string, FlowFrontend>;
  /** "10.0.0.1:53": flows that go there are right. */
  readonly serving: ReadonlySet<string>;
}

const families: Readonly<Record<IpFamily, FlowFrontend["family"]>> = { IPv4: "ip", IPv6: "ip6" };

/** @returns undefined where there is none */
export function deriveFlowPort(wanted: WantedPort | undefined): FlowPort | undefined {
  const frontends = new Map<string, FlowFrontend>();
  for (const { family, protocol, address, port, sourceRanges } of wanted?.frontends ?? []) {
    if (protocol === "TCP") continue;
    const frontend: FlowFrontend = {
      family: families[family],
      protocol: protocol === "UDP" ? "udp" : "sctp",
      address,
      port,
      sourceRanges,
    };
    frontends.set(frontendKey(frontend), frontend);
  }
  if (frontends.size === 0) return undefined;
  return { frontends, serving: new Set(wanted!.serving.map(endpointKey)) };
}

/** Whether a client may have flows by the frontend. */
export function admits({ sourceRanges }: FlowFrontend, client: IpAddress): boolean {
  return sourceRanges?.some((range) => holds(parseCidr(range)!, client)) ?? true;
}

/** What tells a frontend from others. */
export function frontendKey({ family, protocol, address, port }: FlowFrontend): string {
  return `${family} ${protocol} ${address ?? "*"} ${port}`;
}
