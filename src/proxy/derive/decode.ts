/** Services and EndpointSlices of the API as the proxy's own nouns (upstream: pkg/proxy/serviceport.go, endpointslicecache.go). */
import type { IpAddress } from "../../model/address.ts";
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import { ipvsSchedulers, type Endpoint, type IpFamily, type Protocol, type ServicePort } from "../../model/service.ts";
import { checkedAddress, checkedPort, ignoreProblems, isOf, tell, type Place, type Report } from "./problems.ts";
import { sourceRanges } from "./source_ranges.ts";

type SpecPort = NonNullable<Service["spec"]["ports"]>[number];

const protocols: readonly string[] = ["TCP", "UDP", "SCTP"];
/** spec.sessionAffinityConfig's default and most, in seconds. */
const defaultAffinitySeconds = 10_800;
const maxAffinitySeconds = 86_400;
/** Shared: a cluster has endpoints by the hundred thousand. */
const none: readonly never[] = [];

/** Another proxy serves the Service (or none). */
const proxyNameLabel = "service.kubernetes.io/service-proxy-name";
const headlessLabel = "service.kubernetes.io/headless";

/** The service ports of one family; none of a Service that no proxy serves (headless, ExternalName). */
export function servicePorts(
  service: Service,
  family: IpFamily,
  report: Report = ignoreProblems,
): readonly ServicePort[] {
  const { spec, metadata } = service;
  const { labels = {} } = metadata;
  if (spec.type === "ExternalName" || proxyNameLabel in labels || headlessLabel in labels) return [];
  const clusterIp = clusterIpOf(spec, family, report);
  if (clusterIp === undefined) return [];
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const shared = {
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    family,
    clusterIp,
    externalIps: addresses(spec.externalIPs ?? [], family, (i) => ({ field: `spec.externalIPs[${i}]`, report })),
    // KEP-1860: an address whose mode is Proxy is the load balancer's own, and packets are sent there.
    loadBalancerIps: addresses(
      ingress.map(({ ip = "", ipMode = "VIP" }) => (ipMode === "VIP" ? ip : "")),
      family,
      (i) => ({ field: `status.loadBalancer.ingress[${i}].ip`, report }),
    ),
    sourceRanges: sourceRanges(spec.loadBalancerSourceRanges ?? [], family, report),
    affinitySeconds: affinitySeconds(spec, report),
    internalLocal: spec.internalTrafficPolicy === "Local",
    externalLocal: spec.externalTrafficPolicy === "Local",
  };
  return portsOf(spec.ports ?? [], report).map((port) => ({ ...shared, ...port }));
}

/** How the Service's connections are balanced in the ipvs mode, by the name of one of the kernel's schedulers. */
export const schedulerAnnotation = "fairlead.dev/ipvs-scheduler";

/** @returns undefined: as all others' */
export function schedulerOf({ metadata }: Service, report: Report): string | undefined {
  const scheduler = metadata.annotations?.[schedulerAnnotation] ?? "";
  if (scheduler === "" || (ipvsSchedulers as readonly string[]).includes(scheduler)) return scheduler || undefined;
  const field = `metadata.annotations[${schedulerAnnotation}]`;
  const known = ipvsSchedulers.join(", ");
  return tell({ field, report }, "InvalidScheduler", `${JSON.stringify(scheduler)} in ${field} is none of ${known}`);
}

function clusterIpOf({ clusterIPs, clusterIP }: Service["spec"], family: IpFamily, report: Report) {
  const given = (clusterIPs ?? [clusterIP ?? ""]).filter((text) => text !== "None");
  return addresses(given, family, (i) => ({ field: `spec.clusterIPs[${i}]`, report }))[0];
}

/** Those of the family, each once; what is empty is left out. */
function addresses(texts: readonly string[], family: IpFamily, placeOf: (i: number) => Place): readonly IpAddress[] {
  if (texts.length === 0) return none;
  const checked = texts.flatMap((text, i) => (text === "" ? [] : (checkedAddress(text, () => placeOf(i)) ?? [])));
  return [...new Set(checked.filter((address) => isOf(family, address)))];
}

function affinitySeconds({ sessionAffinity, sessionAffinityConfig }: Service["spec"], report: Report) {
  if (sessionAffinity !== "ClientIP") return undefined;
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= maxAffinitySeconds) return seconds;
  const place = { field: "spec.sessionAffinityConfig.clientIP.timeoutSeconds", report };
  tell(
    place,
    "InvalidAffinityTimeout",
    `${seconds} in ${place.field} is not 1 to 86400; ${defaultAffinitySeconds} is used`,
  );
  return defaultAffinitySeconds;
}

type Numbers = Pick<ServicePort, "portName" | "protocol" | "port" | "nodePort">;

function portsOf(ports: readonly SpecPort[], report: Report): readonly Numbers[] {
  const taken = new Set<string>();
  return ports.flatMap((given, i) => {
    const place = (name: string): Place => ({ field: `spec.ports[${i}].${name}`, report });
    const protocol = protocolOf(given.protocol, place("protocol"));
    const port = checkedPort(given.port, place("port"));
    if (protocol === undefined || port === undefined) return [];
    // 0: none is allocated.
    const nodePort = given.nodePort ? (checkedPort(given.nodePort, place("nodePort")) ?? 0) : 0;
    const portName = given.name ?? "";
    const keys = [`name ${JSON.stringify(portName)}`, `port ${port}`].map((key) => `${key} for ${protocol}`);
    const twice = keys.find((key) => taken.has(key));
    if (twice !== undefined) return tell(place("port"), "DuplicatePort", `${twice} stands twice in spec.ports`) ?? [];
    for (const key of keys) taken.add(key);
    return [{ portName, protocol, port, nodePort }];
  });
}

function protocolOf(protocol: string = "TCP", place: Place): Protocol | undefined {
  if (protocols.includes(protocol)) return protocol as Protocol;
  return tell(place, "InvalidProtocol", `${protocol} in ${place.field} is none of ${protocols.join(", ")}`);
}

/** A slice's endpoints for one of its ports, by the port's name and protocol. */
export interface SliceEndpoints {
  readonly portName: string;
  readonly protocol: Protocol;
  readonly endpoints: readonly Endpoint[];
}

/** @param nodeName this node's: its endpoints are local */
export function sliceEndpoints(
  slice: EndpointSlice,
  family: IpFamily,
  nodeName: string,
  report: Report = ignoreProblems,
): readonly SliceEndpoints[] {
  if (slice.addressType !== family) return [];
  const place = (field: string): Place => ({ field: `EndpointSlice ${slice.metadata.name}: ${field}`, report });
  const endpoints = slice.endpoints ?? [];
  const ips = endpoints.map((endpoint, i) => ipOf(endpoint, family, () => place(`endpoints[${i}].addresses[0]`)));
  return (slice.ports ?? []).flatMap(({ name = "", port, protocol }, i) => {
    // No port: all ports, which a proxy cannot serve.
    if (port === undefined || port === null) return [];
    const checked = checkedPort(port, place(`ports[${i}].port`));
    const known = protocolOf(protocol, place(`ports[${i}].protocol`));
    if (checked === undefined || known === undefined) return [];
    const served = endpoints.flatMap((endpoint, k) => {
      const ip = ips[k];
      return ip === undefined ? [] : [endpointOf(endpoint, ip, checked, nodeName)];
    });
    return [{ portName: name, protocol: known, endpoints: served }];
  });
}

type SliceEndpoint = EndpointSlice["endpoints"][number];

/** All addresses of an endpoint are the same pod's: consumers take the first (discovery/v1, Endpoint.addresses). */
function ipOf({ addresses: given }: SliceEndpoint, family: IpFamily, place: () => Place): IpAddress | undefined {
  const ip = checkedAddress(given?.[0], place);
  if (ip === undefined || isOf(family, ip)) return ip;
  const at = place();
  return tell(at, "KubeProxyIncorrectIPVersion", `${ip} in ${at.field} has incorrect IP version`);
}

function endpointOf(
  { conditions, hints, nodeName: node }: SliceEndpoint,
  ip: IpAddress,
  port: number,
  nodeName: string,
): Endpoint {
  return {
    ip,
    port,
    // What is unknown is taken for ready (EndpointConditions).
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? conditions?.ready ?? true,
    terminating: conditions?.terminating ?? false,
    isLocal: node !== undefined && node === nodeName,
    zoneHints: hints?.forZones?.map(({ name }) => name) ?? none,
    nodeHints: hints?.forNodes?.map(({ name }) => name) ?? none,
  };
}
