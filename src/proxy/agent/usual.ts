/**
 * Services and EndpointSlices as nearly all are, as short texts: a cluster has them by the ten thousand, and what JSON
 * takes to say of each that it is as usual would be most of it. Lists bring the same texts, by the fields of keep.ts.
 */
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import { schedulerAnnotation } from "../derive/decode.ts";

type SpecPort = NonNullable<Service["spec"]["ports"]>[number];
type SlicePort = NonNullable<EndpointSlice["ports"]>[number];
type SliceEndpoint = EndpointSlice["endpoints"][number];

/** Of what is kept of a Service. */
type KeptService = Pick<Service, "spec" | "status">;
/** Of what is kept of an EndpointSlice. */
type KeptSlice = Pick<EndpointSlice, "addressType" | "ports" | "endpoints">;

/** Stands before the addresses of this node's endpoints. */
export const localMark = "*";
const plain = /^[\w.:+-]*$/;

/** Whether a line can say it (line_form.ts). */
export function isWord(text: unknown): text is string {
  return typeof text === "string" && plain.test(text);
}

/** "10.96.0.1 80/http,443/https"; undefined where that would not be all of it. */
export function usualServiceText({ metadata, spec, status }: Service): string | undefined {
  if (metadata.annotations?.[schedulerAnnotation]) return undefined;
  const ip = isUsualSpec(spec) && !status?.loadBalancer?.ingress ? onlyAddress(spec.clusterIPs) : undefined;
  const texts = ip === undefined ? undefined : portTexts(spec.ports ?? []);
  return texts === undefined ? undefined : [ip, texts].join(" ");
}

function isUsualSpec(spec: Service["spec"]): boolean {
  const { type, externalIPs, loadBalancerSourceRanges, sessionAffinity } = spec;
  return (
    (type === undefined || type === "ClusterIP") &&
    externalIPs === undefined &&
    loadBalancerSourceRanges === undefined &&
    (sessionAffinity === undefined || sessionAffinity === "None") &&
    spec.sessionAffinityConfig === undefined &&
    spec.healthCheckNodePort === undefined &&
    (spec.internalTrafficPolicy === undefined || spec.internalTrafficPolicy === "Cluster") &&
    (spec.externalTrafficPolicy === undefined || spec.externalTrafficPolicy === "Cluster")
  );
}

export function usualService(text: string): KeptService {
  const [ip = "", ports = ""] = text.split(" ");
  return { spec: { clusterIPs: [ip], ports: ports.split(",").map((one) => portOf(one) as SpecPort) } };
}

/**
 * "IPv4 8080/http 10.0.0.1,*10.0.0.2"; undefined where that would not be all of it.
 *
 * @param nodeName whose endpoints are told from all others
 */
export function usualSliceText(slice: EndpointSlice, nodeName: string): string | undefined {
  const { addressType, ports, endpoints } = slice;
  if (!isWord(addressType)) return undefined;
  const numbers = portTexts(ports ?? []);
  if (numbers === undefined) return undefined;
  const addresses: string[] = [];
  for (const endpoint of endpoints ?? []) {
    const text = addressText(endpoint, nodeName);
    if (text === undefined) return undefined;
    addresses.push(text);
  }
  return [addressType, numbers, addresses.join(",")].join(" ");
}

export function usualSlice(text: string, nodeName: string): KeptSlice {
  const [addressType = "", ports = "", addresses = ""] = text.split(" ");
  return {
    addressType,
    ports: ports.split(",").map((one) => portOf(one)),
    endpoints: addresses === "" ? [] : addresses.split(",").map((one) => endpointOf(one, nodeName)),
  };
}

/** @returns undefined where there is more to say, or no port */
function portTexts(ports: readonly SpecPort[] | readonly SlicePort[]): string | undefined {
  const texts: string[] = [];
  for (const { port, name: called, protocol, nodePort = 0 } of ports as readonly SpecPort[]) {
    if (!Number.isInteger(port) || (protocol !== undefined && protocol !== "TCP")) return undefined;
    if (nodePort !== 0) return undefined;
    if (called !== undefined && !isWord(called)) return undefined;
    texts.push(called === undefined ? String(port) : `${port}/${called}`);
  }
  return texts.length === 0 ? undefined : texts.join(",");
}

function portOf(text: string): SlicePort {
  const slash = text.indexOf("/");
  return slash < 0 ? { port: Number(text) } : { port: Number(text.slice(0, slash)), name: text.slice(slash + 1) };
}

function addressText({ addresses, conditions, hints, nodeName: on }: SliceEndpoint, nodeName: string) {
  if (hints !== undefined) return undefined;
  // What is unknown is taken for ready.
  if (conditions && (conditions.ready === false || conditions.serving === false)) return undefined;
  if (conditions?.terminating === true) return undefined;
  const ip = addresses[0];
  if (!isWord(ip) || ip === "") return undefined;
  return on === nodeName ? localMark + ip : ip;
}

function onlyAddress(addresses: readonly unknown[] | undefined): string | undefined {
  if (!Array.isArray(addresses) || addresses.length !== 1) return undefined;
  const ip: unknown = addresses[0];
  return isWord(ip) && ip !== "" ? ip : undefined;
}

function endpointOf(text: string, nodeName: string): SliceEndpoint {
  return text.startsWith(localMark) ? { addresses: [text.slice(1)], nodeName } : { addresses: [text] };
}
