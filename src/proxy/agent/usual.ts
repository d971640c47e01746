/**
 * Services and EndpointSlices as nearly all are, as short texts: a cluster has them by the ten thousand, and what JSON
 * takes to say of each that it is as usual would be most of it.
 */
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";

type SpecPort = NonNullable<Service["spec"]["ports"]>[number];
type SlicePort = NonNullable<EndpointSlice["ports"]>[number];
type SliceEndpoint = EndpointSlice["endpoints"][number];

/** Of what is kept of a Service. */
type KeptService = Pick<Service, "spec" | "status">;
/** Of what is kept of an EndpointSlice, with the time that it tells. */
type KeptSlice = Pick<EndpointSlice, "addressType" | "ports" | "endpoints"> & { readonly time: string };

/** Stands before the addresses of this node's endpoints. */
const localMark = "*";
const name = /^[\w-]*$/;
const address = /^[0-9a-fA-F.:]+$/;
const time = /^[\w:.+-]*$/;

/** "10.96.0.1 80/http,443/https"; undefined where that would not be all of it. */
export function usualServiceText({ spec, status }: KeptService): string | undefined {
  const { clusterIPs, ports = [], ...rest } = spec;
  for (const _ in rest) return undefined;
  const ip = onlyAddress(clusterIPs);
  const texts = portTexts(ports);
  return status === undefined && ip !== undefined && texts !== undefined ? [ip, texts].join(" ") : undefined;
}

export function usualService(text: string): KeptService {
  const [ip = "", ports = ""] = text.split(" ");
  return { spec: { clusterIPs: [ip], ports: ports.split(",").map((one) => portOf(one) as SpecPort) } };
}

/**
 * "4 8080/http 10.0.0.1,*10.0.0.2 2026-01-02T03:04:05Z"; undefined where that would not be all of it.
 *
 * @param nodeName whose endpoints are told from all others
 */
export function usualSliceText(
  { addressType, ports = [], endpoints, time: when }: KeptSlice,
  nodeName: string,
): string | undefined {
  if ((addressType !== "IPv4" && addressType !== "IPv6") || !time.test(when)) return undefined;
  const numbers = portTexts(ports);
  const addresses: string[] = [];
  for (const endpoint of endpoints) {
    const text = addressText(endpoint, nodeName);
    if (text === undefined) return undefined;
    addresses.push(text);
  }
  return numbers && [addressType === "IPv4" ? "4" : "6", numbers, addresses.join(","), when].join(" ");
}

export function usualSlice(text: string, nodeName: string): KeptSlice {
  const [family, ports = "", addresses = "", when = ""] = text.split(" ");
  return {
    addressType: family === "4" ? "IPv4" : "IPv6",
    ports: ports.split(",").map((one) => portOf(one)),
    endpoints: addresses === "" ? [] : addresses.split(",").map((one) => endpointOf(one, nodeName)),
    time: when,
  };
}

/** @returns undefined where there is more to say, or no port */
function portTexts(ports: readonly SlicePort[]): string | undefined {
  const texts: string[] = [];
  for (const { port, name: called, protocol, ...rest } of ports) {
    for (const _ in rest) return undefined;
    if (!Number.isInteger(port) || protocol !== undefined) return undefined;
    if (called !== undefined && (typeof called !== "string" || !name.test(called))) return undefined;
    texts.push(called === undefined ? String(port) : `${port}/${called}`);
  }
  return texts.length === 0 ? undefined : texts.join(",");
}

function portOf(text: string): SlicePort {
  const slash = text.indexOf("/");
  return slash < 0 ? { port: Number(text) } : { port: Number(text.slice(0, slash)), name: text.slice(slash + 1) };
}

function addressText({ addresses, nodeName: on, ...rest }: SliceEndpoint, nodeName: string): string | undefined {
  for (const _ in rest) return undefined;
  const ip = onlyAddress(addresses);
  return ip !== undefined && on === nodeName ? localMark + ip : ip;
}

function onlyAddress(addresses: readonly unknown[] | undefined): string | undefined {
  if (!Array.isArray(addresses) || addresses.length !== 1) return undefined;
  const ip: unknown = addresses[0];
  return typeof ip === "string" && address.test(ip) ? ip : undefined;
}

function endpointOf(text: string, nodeName: string): SliceEndpoint {
  return text.startsWith(localMark) ? { addresses: [text.slice(1)], nodeName } : { addresses: [text] };
}
