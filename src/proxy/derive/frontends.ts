/**
 * From a service port and its endpoints to what the kernel is to do with each of its addresses: every mode
 * renders this, and decides nothing of it again.
 */
import type { IpAddress } from "../../model/address.ts";
import type { Endpoint, IpFamily, Protocol, ServicePort } from "../../model/service.ts";
import { servicePortName } from "../../model/service.ts";
import { Backends } from "./backends.ts";
import { chooseEndpoints, isExternallyAccessible, type ChosenEndpoints, type NodeFacts } from "./endpoints.ts";
import { withNode } from "./source_ranges.ts";

/** What becomes of a new connection. */
export type Target =
  /** An error goes back: nobody anywhere serves it. */
  | { readonly action: "reject" }
  /** Nothing goes back: another node may serve it (a load balancer is to try that one). */
  | { readonly action: "drop" }
  | {
      readonly action: "balance";
      readonly backends: Backends;
      readonly masquerade: Masquerade;
      /** internalTrafficPolicy Local. Default: of the cluster. */
      readonly scope?: "local";
    }
  /**
   * externalTrafficPolicy Local: clients outside reach this node's backends and keep their address; pods and
   * this node itself reach the whole cluster's, as they would by the cluster IP.
   */
  | {
      readonly action: "balance local";
      /** Empty: clients outside are dropped. */
      readonly local: Backends;
      readonly inside: Backends;
    };

/** When the client's address is replaced by the node's, beside hairpins. */
export type Masquerade =
  /** Traffic from outside of the cluster: answers must come back this way. */
  "off-cluster" | "always" | "never";

export interface Frontend {
  readonly kind: "clusterIP" | "externalIP" | "loadBalancer" | "nodePort";
  readonly family: IpFamily;
  /** Of a node port: undefined, any address that serves node ports. */
  readonly address: IpAddress | undefined;
  readonly protocol: Protocol;
  readonly port: number;
  /** "namespace/name:port" */
  readonly service: string;
  readonly target: Target;
  /** A client comes back to the same backend within this time; undefined: to any. */
  readonly affinitySeconds: number | undefined;
  /** Ranges that clients must come from; undefined: any. */
  readonly sourceRanges: readonly string[] | undefined;
}

export interface DeriveOptions {
  readonly node: NodeFacts;
  /** KubeProxyConfiguration: masqueradeAll */
  readonly masqueradeAll: boolean;
}

/** The frontends of one service port. */
export function deriveFrontends(
  port: ServicePort,
  endpoints: readonly Endpoint[],
  { node, masqueradeAll }: DeriveOptions,
): readonly Frontend[] {
  const chosen = chooseEndpoints(endpoints, port, node);
  const service = servicePortName(port);
  // Written out, because a node has them by the ten thousand: what is spread into an object makes it a shape of its own.
  const at = (
    kind: Frontend["kind"],
    address: IpAddress | undefined,
    number: number,
    target: Target,
    sourceRanges?: readonly string[],
  ): Frontend => ({
    kind,
    family: port.family,
    address,
    protocol: port.protocol,
    port: number,
    service,
    target,
    affinitySeconds: port.affinitySeconds,
    sourceRanges,
  });
  const cluster = at("clusterIP", port.clusterIp, port.port, internalTarget(port, chosen, masqueradeAll));
  if (!isExternallyAccessible(port)) return [cluster];
  const target = externalTarget(port, chosen);
  const rangesOf = (vip: IpAddress): readonly string[] | undefined =>
    port.sourceRanges.length > 0 ? withNode(port.sourceRanges, vip, node.ips ?? []) : undefined;
  return [
    cluster,
    ...port.externalIps.map((address) => at("externalIP", address, port.port, target)),
    ...port.loadBalancerIps.map((address) => at("loadBalancer", address, port.port, target, rangesOf(address))),
    ...(port.nodePort === 0 ? [] : [at("nodePort", undefined, port.nodePort, target)]),
  ];
}

/** Of a cluster IP without affinity, by TCP: as most are, and in the form that deriveFrontends gives them. */
export function clusterFrontend(service: string, address: IpAddress, port: number, target: Target): Frontend {
  return {
    kind: "clusterIP",
    family: "IPv4",
    address,
    protocol: "TCP",
    port,
    service,
    target,
    affinitySeconds: undefined,
    sourceRanges: undefined,
  };
}

function internalTarget(port: ServicePort, { cluster, local, any }: ChosenEndpoints, masqueradeAll: boolean): Target {
  if (!any) return { action: "reject" };
  const backends = port.internalLocal ? local : cluster;
  if (backends.length === 0) return { action: "drop" };
  const target = balance(port, backends, masqueradeAll ? "always" : "off-cluster");
  return port.internalLocal ? { ...target, scope: "local" } : target;
}

function externalTarget(port: ServicePort, { cluster, local, any }: ChosenEndpoints): Target {
  if (!any) return { action: "reject" };
  if (!port.externalLocal) return cluster.length === 0 ? { action: "drop" } : balance(port, cluster, "always");
  const { family } = port;
  return { action: "balance local", local: Backends.of(family, local), inside: Backends.of(family, cluster) };
}

function balance({ family }: ServicePort, endpoints: readonly Endpoint[], masquerade: Masquerade) {
  return { action: "balance", backends: Backends.of(family, endpoints), masquerade } as const;
}
