/** Services and EndpointSlices → what names are made of. */
import { parseIp } from "../../model/address.ts";
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";

export interface DnsPort {
  /** "" where it has none. */
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

export interface DnsService {
  readonly namespace: string;
  readonly name: string;
  readonly kind: "cluster" | "headless" | "external";
  /** "" but for kind external. */
  readonly externalName: string;
  readonly clusterIps: readonly string[];
  readonly ports: readonly DnsPort[];
  readonly publishNotReady: boolean;
}

export interface DnsEndpoint {
  readonly addresses: readonly string[];
  /** "" where it has none. */
  readonly hostname: string;
  readonly ready: boolean;
}

export interface DnsSlice {
  readonly namespace: string;
  readonly name: string;
  readonly service: string;
  readonly ports: readonly DnsPort[];
  readonly endpoints: readonly DnsEndpoint[];
}

const serviceNameLabel = "kubernetes.io/service-name";

export function decodeService({ metadata, spec }: Service): DnsService {
  const { clusterIP = "", clusterIPs = [clusterIP] } = spec;
  const isExternal = spec.type === "ExternalName";
  const isHeadless = !isExternal && clusterIPs[0] === "None";
  const ips = isExternal || isHeadless ? [] : clusterIPs;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    kind: isExternal ? "external" : isHeadless ? "headless" : "cluster",
    externalName: isExternal ? (spec.externalName ?? "").replace(/\.$/, "").toLowerCase() : "",
    clusterIps: ips.flatMap((ip) => parseIp(ip) ?? []),
    ports: (spec.ports ?? []).map(({ name = "", protocol = "TCP", port }) => ({ name, protocol, port })),
    publishNotReady: spec.publishNotReadyAddresses ?? false,
  };
}

/** @returns undefined for a slice of no Service, or of names instead of addresses */
export function decodeSlice({ metadata, addressType, endpoints, ports }: EndpointSlice): DnsSlice | undefined {
  const service = metadata.labels?.[serviceNameLabel];
  if (service === undefined || (addressType !== "IPv4" && addressType !== "IPv6")) return undefined;
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    service,
    ports: (ports ?? []).flatMap(({ name = "", protocol = "TCP", port }) =>
      port === undefined || port === null ? [] : [{ name, protocol, port }],
    ),
    // Not saying counts as ready (discovery/v1, EndpointConditions).
    endpoints: (endpoints ?? []).map(({ addresses, hostname, conditions }) => ({
      addresses: addresses.flatMap((ip) => parseIp(ip) ?? []),
      hostname: (hostname ?? "").toLowerCase(),
      ready: conditions?.ready ?? true,
    })),
  };
}
