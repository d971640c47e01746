/** Where pods/proxy, services/proxy and nodes/proxy lead: "[scheme:]name[:port]" (upstream's ResourceLocation). */
import type { V1EndpointSlice, V1Service } from "@kubernetes/client-node";
import ipaddr from "ipaddr.js";
import type { RequestContext } from "../context.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { Routes } from "../routes.ts";
import { ApiError } from "../status.ts";
import { parseObject } from "../storage/object_bytes.ts";
import type { Json } from "../validation/json.ts";
import { kubeletOf, type Pod, type Target } from "./kubelet_location.ts";

type Service = ApiObject & Json<Pick<V1Service, "spec">>;
type Slice = ApiObject & Json<Pick<V1EndpointSlice, "endpoints" | "ports">>;

interface ProxyName {
  readonly secure: boolean;
  readonly name: string;
  /** Number or name; "" where none is given. */
  readonly port: string;
}

/** @throws ApiError 400 */
export function proxyName(what: string, text: string): ProxyName {
  const parts = text.split(":");
  if (parts.length === 1) return { secure: false, name: text, port: "" };
  if (parts.length === 2) return { secure: false, name: parts[0]!, port: parts[1]! };
  const [scheme, name, port] = parts;
  if (parts.length !== 3 || !["", "http", "https"].includes(scheme!)) {
    throw new ApiError("BadRequest", `invalid ${what} request "${text}"`);
  }
  return { secure: scheme === "https", name: name!, port: port! };
}

/** What stands behind "/proxy" in the path as it was sent, with the query. */
export function proxiedPath({ info, query }: RequestContext): string {
  const [, rest = ""] = /^\/api\/v1\/(?:namespaces\/[^/]+\/)?[^/]+\/[^/]+\/proxy(\/.*)?$/.exec(info.path) ?? [];
  const search = query.toString();
  return `${rest === "" ? "/" : rest}${search === "" ? "" : `?${search}`}`;
}

export async function proxyTarget(
  context: RequestContext,
  routes: Routes,
  addressTypes: readonly string[],
): Promise<Target> {
  const path = proxiedPath(context);
  switch (context.info.resource) {
    case "nodes":
      return { ...(await nodeTarget(context, routes, addressTypes)), path };
    case "services":
      return { ...(await serviceTarget(context, routes)), path, isKubelet: false };
    default:
      return { ...(await podTarget(context, routes)), path, isKubelet: false };
  }
}

async function nodeTarget({ info }: RequestContext, routes: Routes, addressTypes: readonly string[]) {
  const { secure, name, port } = proxyName("node", info.name);
  const kubelet = await kubeletOf(routes, name, addressTypes);
  if (port === "" || port === String(kubelet.port)) return { ...kubelet, secure: true, isKubelet: true };
  refuseLocal(kubelet.host);
  return { host: kubelet.host, port: portNumber(port), secure, isKubelet: false };
}

async function podTarget({ info }: RequestContext, routes: Routes) {
  const { secure, name, port } = proxyName("pod", info.name);
  const pod = (await routes.find("", "v1", "pods")!.registry.get(info.namespace, name)).object as Pod;
  const host = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "";
  refuseLocal(host);
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  const named = ports.find((one) => one.name === port)?.containerPort;
  const number = port === "" ? (ports[0]?.containerPort ?? 80) : (named ?? portNumber(port));
  return { host, port: number, secure };
}

async function serviceTarget({ info }: RequestContext, routes: Routes) {
  const { secure, name, port } = proxyName("service", info.name);
  const service = (await routes.find("", "v1", "services")!.registry.get(info.namespace, name)).object as Service;
  const portName = servicePort(service, name, port);
  const slices = await slicesOf(routes, info.namespace, name);
  const found = slices.flatMap(({ endpoints = [], ports = [] }) => {
    const number = ports.find((one) => (one.name ?? "") === portName)?.port;
    if (number === undefined) return [];
    const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
    return ready.flatMap(({ addresses = [] }) => addresses.slice(0, 1).map((host) => ({ host, port: number })));
  });
  if (found.length === 0) throw new ApiError("ServiceUnavailable", `no endpoints available for service "${info.name}"`);
  const target = found[Math.floor(Math.random() * found.length)]!;
  refuseLocal(target.host);
  return { ...target, secure };
}

/** The port's name in the endpoints. */
function servicePort({ spec }: Service, name: string, asked: string): string {
  const ports = spec?.ports ?? [];
  if (asked === "" && ports.length > 0) return ports[0]!.name ?? "";
  const found = ports.find((port) => port.name === asked || String(port.port) === asked);
  if (!found) throw new ApiError("ServiceUnavailable", `no service port "${asked}" found for service "${name}"`);
  return found.name ?? "";
}

async function slicesOf(routes: Routes, namespace: string, service: string): Promise<Slice[]> {
  const { registry } = routes.find("discovery.k8s.io", "v1", "endpointslices")!;
  await registry.cache.current();
  return registry.cache.items
    .withPrefix(registry.prefix(namespace))
    .filter(({ labels }) => labels["kubernetes.io/service-name"] === service)
    .map(({ bytes }) => parseObject(bytes) as Slice);
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new ApiError("BadRequest", `invalid port "${text}"`);
  }
  return port;
}

/** The server's own loopback and link-local addresses (metadata services) are nobody's to reach through it. */
function refuseLocal(host: string): void {
  if (host === "") throw new ApiError("BadRequest", "address not allowed");
  if (!ipaddr.isValid(host)) return;
  const range = ipaddr.process(host).range();
  if (["loopback", "linkLocal", "multicast", "unspecified"].includes(range)) {
    throw new ApiError("BadRequest", "address not allowed");
  }
}
