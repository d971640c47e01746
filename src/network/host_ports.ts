/**
 * Host ports: each is a frontend, as Services have them, and is served by the same tables. The agent joins this with
 * the proxy's rulesets; where no proxy runs, a table of its own does.
 */
import type { PortMapping } from "../../cni/plugin.ts";
import { familyOfIp } from "../model/cidr.ts";
import type { IpFamily } from "../model/service.ts";
import { Backends } from "../proxy/derive/backends.ts";
import type { WantedPort } from "../proxy/derive/derive.ts";
import type { Frontend } from "../proxy/derive/frontends.ts";
import type { Owner } from "./ipam/leases.ts";
import type { PodAddress } from "./links/link.ts";

export interface HostPorts {
  /**
   * Takes the place of what the owner wanted of the family before; undefined: it is gone.
   *
   * @param owner as a Service's name: {@link hostPortOwner}
   * @returns when packets go that way
   */
  set(owner: string, family: IpFamily, wanted: WantedPort | undefined): Promise<void>;
  /** Everything that a process before this one had has been set: what else is there goes. */
  settle(): Promise<void>;
}

/** Behind every Service's name, which begins with a letter or digit: of a frontend that both want the Service has it. */
export function hostPortOwner({ network, containerId, ifName }: Owner): string {
  return `~hostport/${network}/${containerId}/${ifName}`;
}

const protocols = { tcp: "TCP", udp: "UDP", sctp: "SCTP" } as const;

/** The frontends of a pod's mappings in the family of one of its addresses. */
export function deriveHostPorts(
  owner: Owner,
  mappings: readonly PortMapping[],
  { family, address }: PodAddress,
): WantedPort {
  const isOfFamily = (ip: string | undefined): boolean => ip === undefined || familyOfIp(ip) === family;
  const frontends = mappings
    // As upstream's portmap: a mapping of port 0 is none.
    .filter(({ hostPort, hostIp }) => hostPort > 0 && isOfFamily(hostIp))
    .map(({ hostPort, containerPort, protocol, hostIp }): Frontend => {
      const isAny = hostIp === undefined || hostIp === "0.0.0.0" || hostIp === "::";
      return {
        kind: isAny ? "nodePort" : "externalIP",
        family,
        address: isAny ? undefined : hostIp,
        protocol: protocols[protocol],
        port: hostPort,
        service: hostPortOwner(owner),
        // The pod is on this node, so that answers come back this way without the node's address.
        target: {
          action: "balance",
          backends: Backends.of(family, [{ ip: address, port: containerPort }]),
          masquerade: "never",
        },
        affinitySeconds: undefined,
        sourceRanges: undefined,
      };
    });
  const serving = frontends
    .filter(({ protocol }) => protocol !== "TCP")
    .flatMap(({ target }) => (target.action === "balance" ? [...target.backends] : []));
  return { frontends, localBackends: frontends.length === 0 ? [] : [address], serving };
}
