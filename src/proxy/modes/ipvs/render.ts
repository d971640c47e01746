/** What a service port wants → its virtual servers, elements of sets, and addresses that this machine is to have. Pure. */
import type { IpsetElement } from "../../../kernel/netlink/ipset/set.ts";
import { serviceName, type IpvsService } from "../../../kernel/netlink/ipvs/service.ts";
import type { IpAddress } from "../../../model/address.ts";
import { parseCidr } from "../../../model/cidr.ts";
import { Backends } from "../../derive/backends.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { Frontend, Target } from "../../derive/frontends.ts";
import { setName, type SetName } from "./names.ts";
import type { IpvsOptions } from "./options.ts";
import { memberKey, type Member } from "./sets.ts";

export interface VirtualServer {
  readonly service: IpvsService;
  readonly backends: Backends;
  /** Of a node port: one that has its address and port by name comes before it. */
  readonly isNodePort: boolean;
}

export interface RenderedPort {
  /** By serviceName. */
  readonly servers: ReadonlyMap<string, VirtualServer>;
  /** By memberKey. */
  readonly members: ReadonlyMap<string, Member>;
  readonly addresses: ReadonlySet<IpAddress>;
}

export const nothing: RenderedPort = { servers: new Map(), members: new Map(), addresses: new Set() };

/** @param frontends those that the service port has, of what it wants */
export function renderPort(frontends: readonly Frontend[], wanted: WantedPort, options: IpvsOptions): RenderedPort {
  const port = new Port(options, wanted);
  for (const frontend of frontends) port.frontend(frontend);
  port.healthCheck(wanted.healthCheckNodePort);
  return port;
}

type IpvsProtocol = "tcp" | "udp" | "sctp";

class Port implements RenderedPort {
  readonly servers = new Map<string, VirtualServer>();
  readonly members = new Map<string, Member>();
  readonly addresses = new Set<IpAddress>();
  readonly #options: IpvsOptions;
  readonly #scheduler: string;
  readonly #local: ReadonlySet<IpAddress>;

  constructor(options: IpvsOptions, { scheduler, localBackends }: WantedPort) {
    this.#options = options;
    const isThere = scheduler !== undefined && !options.lackingSchedulers.includes(scheduler);
    this.#scheduler = isThere ? scheduler : options.scheduler;
    this.#local = new Set(localBackends);
  }

  frontend(frontend: Frontend): void {
    const backends = backendsOf(frontend);
    for (const address of this.#addressesOf(frontend)) this.#server(frontend, address, backends);
    this.#hairpins(frontend, backends);
    if (frontend.kind === "nodePort") this.#nodePort(frontend);
    else this.#address(frontend, frontend.address!);
  }

  healthCheck(port: number | undefined): void {
    if (port !== undefined) this.#member("KUBE-HEALTH-CHECK-NODE-PORT", { port });
  }

  #addressesOf({ address }: Frontend): readonly IpAddress[] {
    return address === undefined ? this.#options.nodePortAddresses : [address];
  }

  #server({ kind, protocol: named, port, affinitySeconds }: Frontend, address: IpAddress, backends: Backends): void {
    const scheduler = this.#scheduler;
    const key = { address, port, protocol: protocolOf(named) };
    const service: IpvsService = {
      key,
      scheduler,
      // By source and port (upstream: FlagSourceHash): by the source alone a masqueraded client is one client.
      ...(scheduler === "mh" ? { schedulerFlags: ["port"] as const } : {}),
      ...(affinitySeconds === undefined ? {} : { persistence: { timeoutSeconds: affinitySeconds } }),
    };
    const name = serviceName(key);
    if (!this.servers.has(name)) this.servers.set(name, { service, backends, isNodePort: kind === "nodePort" });
  }

  /** A backend that is its own client must see another address, or it would answer itself directly. */
  #hairpins({ protocol }: Frontend, backends: Backends): void {
    if (this.#local.size === 0) return;
    for (const { ip, port } of backends) {
      if (this.#local.has(ip)) this.#member("KUBE-LOOP-BACK", { ip, protocol: protocolOf(protocol), port, ip2: ip });
    }
  }

  #address(frontend: Frontend, ip: IpAddress): void {
    const { kind, port, protocol, target, sourceRanges } = frontend;
    const element = { ip, protocol: protocolOf(protocol), port };
    const isLocal = target.action === "balance local";
    if (kind === "clusterIP") this.#member("KUBE-CLUSTER-IP", element);
    else if (kind === "externalIP") this.#member(isLocal ? "KUBE-EXTERNAL-IP-LOCAL" : "KUBE-EXTERNAL-IP", element);
    else {
      this.#member("KUBE-LOAD-BALANCER", element);
      if (isLocal) this.#member("KUBE-LOAD-BALANCER-LOCAL", element);
      if (sourceRanges !== undefined) this.#firewall(element, sourceRanges);
    }
    this.#noLocal(target, element);
    // The node's own addresses stay where they are: bound here too, they would go with the Service, and its ports with them.
    if (this.#isOfNode(ip)) return;
    this.addresses.add(ip);
    this.#member("KUBE-IPVS-IPS", { ip });
  }

  #isOfNode(ip: IpAddress): boolean {
    const { localAddresses, nodePortAddresses } = this.#options;
    return (localAddresses ?? nodePortAddresses).includes(ip);
  }

  #firewall(element: IpsetElement, sourceRanges: readonly string[]): void {
    this.#member("KUBE-LOAD-BALANCER-FW", element);
    for (const range of sourceRanges) {
      const { address: ip2, prefix } = parseCidr(range)!;
      const bits = ip2.includes(":") ? 128 : 32;
      if (ip2 === element.ip && prefix === bits) this.#member("KUBE-LOAD-BALANCER-SOURCE-IP", { ...element, ip2 });
      else
        for (const net of halves(ip2, prefix)) this.#member("KUBE-LOAD-BALANCER-SOURCE-CIDR", { ...element, ...net });
    }
  }

  #nodePort({ port, protocol, target }: Frontend): void {
    const isLocal = target.action === "balance local";
    if (protocol === "SCTP") {
      for (const ip of this.#options.nodePortAddresses) {
        const element = { ip, protocol: "sctp", port } as const;
        this.#member("KUBE-NODE-PORT-SCTP-HASH", element);
        if (isLocal) this.#member("KUBE-NODE-PORT-LOCAL-SCTP-HASH", element);
      }
    } else {
      this.#member(`KUBE-NODE-PORT-${protocol}`, { port });
      if (isLocal) this.#member(`KUBE-NODE-PORT-LOCAL-${protocol}`, { port });
    }
    for (const ip of this.#options.nodePortAddresses) {
      this.#noLocal(target, { ip, protocol: protocolOf(protocol), port });
    }
  }

  /** IPVS refuses where it has no destination; another node may have one. */
  #noLocal(target: Target, element: IpsetElement): void {
    if (target.action === "drop") this.#member("FAIRLEAD-NO-LOCAL", element);
    if (target.action !== "balance local" || target.local.length > 0) return;
    this.#member("FAIRLEAD-NO-LOCAL-OUTSIDE", element);
  }

  #member(name: SetName, element: IpsetElement): void {
    const member = { set: setName(name, this.#options.family), element };
    this.members.set(memberKey(member), member);
  }
}

/**
 * A virtual server has the same destinations for every client. With policy Local those of this node, or, for clients
 * inside, all where there are none here (upstream: syncEndpoint).
 */
function backendsOf({ family, target }: Frontend): Backends {
  if (target.action === "balance") return target.backends;
  if (target.action === "balance local") return target.local.length > 0 ? target.local : target.inside;
  return Backends.of(family, []);
}

/** Sets of networks take none that holds everything. */
function halves(ip2: IpAddress, prefix: number): readonly IpsetElement[] {
  if (prefix > 0) return [{ ip2, cidr2: prefix }];
  const second = (ip2.includes(":") ? "8000::" : "128.0.0.0") as IpAddress;
  return [ip2, second].map((ip) => ({ ip2: ip, cidr2: 1 }));
}

function protocolOf(protocol: Frontend["protocol"]): IpvsProtocol {
  return protocol.toLowerCase() as IpvsProtocol;
}
