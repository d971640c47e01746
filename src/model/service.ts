/** The service proxy's nouns: a port of a Service, and the endpoints behind it, of one address family. */
import type { IpAddress } from "./address.ts";

/** As Kubernetes names them; nf_tables' `ip` and `ip6`. */
export type IpFamily = "IPv4" | "IPv6";
export type Protocol = "TCP" | "UDP" | "SCTP";

export const protocolNumbers: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** IPVS's, of Linux 5.15 and later: a kernel may lack some (net/netfilter/ipvs/Kconfig). */
export const ipvsSchedulers = [
  ...(["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh"] as const),
  ...(["mh", "dh", "sed", "nq", "fo", "ovf"] as const),
] as const;

/** One port of a Service in one family: what kube-proxy calls a service port. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  /** "" where the Service has one port without a name. */
  readonly portName: string;
  readonly family: IpFamily;
  readonly protocol: Protocol;
  readonly clusterIp: IpAddress;
  readonly port: number;
  /** 0: none. */
  readonly nodePort: number;
  readonly externalIps: readonly IpAddress[];
  /** Addresses of status.loadBalancer whose ipMode is VIP. */
  readonly loadBalancerIps: readonly IpAddress[];
  /** spec.loadBalancerSourceRanges of the family; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** sessionAffinity ClientIP; undefined: None. */
  readonly affinitySeconds: number | undefined;
  /** internalTrafficPolicy Local */
  readonly internalLocal: boolean;
  /** externalTrafficPolicy Local */
  readonly externalLocal: boolean;
}

/** Where packets of a service port go: one address and port of an EndpointSlice. */
export interface Endpoint {
  readonly ip: IpAddress;
  readonly port: number;
  /** Takes new connections. */
  readonly ready: boolean;
  /** Would be ready, were it not terminating. */
  readonly serving: boolean;
  readonly terminating: boolean;
  /** On this node. */
  readonly isLocal: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** "namespace/name:port", as kube-proxy's logs and chains have it. */
export function servicePortName(port: Pick<ServicePort, "namespace" | "name" | "portName">): string {
  const service = `${port.namespace}/${port.name}`;
  return port.portName === "" ? service : `${service}:${port.portName}`;
}

/** What a relay in user space has counted of a frontend since that came. */
export interface RelayedCount {
  /** Of UDP: flows. */
  readonly connections: bigint;
  /** Of them, or before they were any: no endpoint answered, or the relay was full. */
  readonly refused: bigint;
  /** Endpoints that were tried behind the first one. */
  readonly retries: bigint;
  /** From clients. */
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
  /** Datagrams for which the kernel had no room, or that were broken. */
  readonly dropped: bigint;
}

/** What the kernel has counted of a frontend. */
export interface FrontendCount {
  /** "namespace/name:port" */
  readonly service: string;
  readonly family: IpFamily;
  readonly protocol: Protocol;
  /** Undefined: a node port. */
  readonly address: string | undefined;
  readonly port: number;
  /** New connections that came to it: their first packets. */
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Where a relay in user space serves it. */
  readonly relayed?: RelayedCount;
}
