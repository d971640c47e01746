/** Services and EndpointSlices of the API as the proxy's own nouns (upstream: pkg/proxy/serviceport.go, endpointslicecache.go). */
import { parseIp, type IpAddress } from "../../model/address.ts";
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { Endpoint, IpFamily, Protocol, ServicePort } from "../../model/service.ts";

type SpecPort = NonNullable<Service["spec"]["ports"]>[number];

const protocols: readonly string[] = ["TCP", "UDP", "SCTP"];
/** spec.sessionAffinityConfig's default, in seconds. */
const defaultAffinitySeconds = 10_800;

/** The service ports of one family; none of a Service that no proxy serves (headless, ExternalName). */
export function servicePorts(service: Service, family: IpFamily): readonly ServicePort[] {
  const { spec, metadata } = service;
  if (spec.type === "ExternalName") return [];
  const clusterIp = (spec.clusterIPs ?? [spec.clusterIP ?? ""]).map((text) => addressOf(text, family)).find(isThere);
  if (clusterIp === undefined) return [];
  const shared = {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    family,
    clusterIp,
    externalIps: unique((spec.externalIPs ?? []).map((text) => addressOf(text, family)).filter(isThere)),
    loadBalancerIps: loadBalancerIps(service, family),
    sourceRanges: sourceRanges(service, family),
    affinitySeconds: affinitySeconds(spec),
    internalLocal: spec.internalTrafficPolicy === "Local",
    externalLocal: spec.externalTrafficPolicy === "Local",
  };
  return (spec.ports ?? []).flatMap((port) => {
    const protocol = protocolOf(port);
    if (!protocol) return [];
    return [{ ...shared, portName: port.name ?? "", protocol, port: port.port, nodePort: port.nodePort ?? 0 }];
  });
}

function protocolOf({ protocol = "TCP" }: SpecPort): Protocol | undefined {
  return protocols.includes(protocol) ? (protocol as Protocol) : undefined;
}

function affinitySeconds({ sessionAffinity, sessionAffinityConfig }: Service["spec"]): number | undefined {
  if (sessionAffinity !== "ClientIP") return undefined;
  return sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
}

/** KEP-1860: an address whose mode is Proxy is the load balancer's own, and packets are sent there. */
function loadBalancerIps({ spec, status }: Service, family: IpFamily): readonly IpAddress[] {
  if (spec.type !== "LoadBalancer") return [];
  const ingress = status?.loadBalancer?.ingress ?? [];
  const vips = ingress.filter(({ ipMode = "VIP" }) => ipMode === "VIP");
  return unique(vips.map(({ ip = "" }) => addressOf(ip, family)).filter(isThere));
}

function sourceRanges({ spec }: Service, family: IpFamily): readonly string[] {
  const ranges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim());
  return unique(ranges.filter((range) => addressOf(range.split("/")[0] ?? "", family) !== undefined));
}

/** A slice's endpoints for one of its ports, by the port's name. */
export interface SliceEndpoints {
  readonly portName: string;
  readonly endpoints: readonly Endpoint[];
}

/** @param nodeName this node's: its endpoints are local */
export function sliceEndpoints(slice: EndpointSlice, family: IpFamily, nodeName: string): readonly SliceEndpoints[] {
  if (slice.addressType !== family) return [];
  return (slice.ports ?? []).flatMap(({ name = "", port }) => {
    // No port: all ports, which a proxy cannot serve.
    if (port === undefined) return [];
    const endpoints = slice.endpoints.flatMap((endpoint) => endpointOf(endpoint, port, family, nodeName) ?? []);
    return [{ portName: name, endpoints }];
  });
}

function endpointOf(
  { addresses, conditions, hints, nodeName: node }: EndpointSlice["endpoints"][number],
  port: number,
  family: IpFamily,
  nodeName: string,
): Endpoint | undefined {
  // All addresses of an endpoint are the same pod's: consumers take the first (discovery/v1, Endpoint.addresses).
  const ip = addressOf(addresses[0] ?? "", family);
  if (ip === undefined) return undefined;
  return {
    ip,
    port,
    // What is unknown is taken for ready (EndpointConditions).
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? conditions?.ready ?? true,
    terminating: conditions?.terminating ?? false,
    isLocal: node !== undefined && node === nodeName,
    zoneHints: hints?.forZones?.map(({ name }) => name) ?? [],
    nodeHints: hints?.forNodes?.map(({ name }) => name) ?? [],
  };
}

function addressOf(text: string, family: IpFamily): IpAddress | undefined {
  const address = parseIp(text);
  if (address === undefined) return undefined;
  return address.includes(":") === (family === "IPv6") ? address : undefined;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
