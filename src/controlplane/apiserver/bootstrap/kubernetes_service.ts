/** The API as a Service of the cluster (upstream's kubernetesservice controller). */
import { isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import type { ApiObject } from "../resources/resource.ts";
import type { Loopback } from "../loopback/loopback.ts";

export interface KubernetesServiceOptions {
  /** The Service's own addresses: the first of each Service range. */
  readonly clusterIps: readonly string[];
  /** Where the servers are reached; a loopback address is nobody else's, and left out. */
  readonly advertiseAddress: string | undefined;
  readonly port: number;
}

const namespace = "/namespaces/default";
const services = `/api/v1${namespace}/services`;
const endpoints = `/api/v1${namespace}/endpoints`;
const endpointSlices = `/apis/discovery.k8s.io/v1${namespace}/endpointslices`;
const labels = { component: "apiserver", provider: "kubernetes" };

/** Makes the Service and its endpoints, or sets them right. */
export async function ensureKubernetesService(api: Loopback, options: KubernetesServiceOptions): Promise<void> {
  await ensureService(api, options);
  const { advertiseAddress } = options;
  if (advertiseAddress === undefined || ipaddr.parse(advertiseAddress).range() === "loopback") return;
  await put(api, endpoints, {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name: "kubernetes", labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets: [
      { addresses: [{ ip: advertiseAddress }], ports: [{ name: "https", port: options.port, protocol: "TCP" }] },
    ],
  });
  await put(api, endpointSlices, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "kubernetes", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: isIPv6(advertiseAddress) ? "IPv6" : "IPv4",
    endpoints: [{ addresses: [advertiseAddress], conditions: { ready: true } }],
    ports: [{ name: "https", port: options.port, protocol: "TCP" }],
  });
}

async function ensureService(api: Loopback, { clusterIps, port }: KubernetesServiceOptions): Promise<void> {
  const found = await api.get(`${services}/kubernetes`);
  const ports = [{ name: "https", protocol: "TCP", port: 443, targetPort: port }];
  if (!found) {
    await api.create(services, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "kubernetes", labels },
      spec: {
        type: "ClusterIP",
        sessionAffinity: "None",
        ports,
        ...(clusterIps.length === 0 ? {} : { clusterIP: clusterIps[0], clusterIPs: clusterIps }),
        ...(clusterIps.length > 0 ? { ipFamilies: clusterIps.map(family), ipFamilyPolicy: policy(clusterIps) } : {}),
      },
    });
    return;
  }
  const spec = found["spec"] as { ports?: { targetPort?: number }[] };
  if (spec.ports?.[0]?.targetPort === port) return;
  await api.update(`${services}/kubernetes`, { ...found, spec: { ...spec, ports } });
}

/** Writes an object whose name is the Service's, unless what it says is there already. */
async function put(api: Loopback, path: string, wanted: object): Promise<void> {
  const found = await api.get(`${path}/kubernetes`);
  if (!found) {
    await api.create(path, wanted);
    return;
  }
  if (!isCoveredBy(wanted, found))
    await api.update(`${path}/kubernetes`, { ...wanted, metadata: mergedMeta(found, wanted) });
}

function mergedMeta(found: ApiObject, wanted: object): object {
  const { metadata } = wanted as ApiObject;
  return { ...metadata, resourceVersion: found.metadata.resourceVersion };
}

/** Whether everything that is wanted is in what was found; defaults may have been added to it. */
function isCoveredBy(wanted: unknown, found: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && wanted.length === found.length && wanted.every((w, i) => isCoveredBy(w, found[i]));
  }
  if (typeof wanted !== "object" || wanted === null) return wanted === found;
  if (typeof found !== "object" || found === null) return false;
  return Object.entries(wanted).every(([key, value]) => isCoveredBy(value, (found as Record<string, unknown>)[key]));
}

function family(address: string): "IPv4" | "IPv6" {
  return isIPv6(address) ? "IPv6" : "IPv4";
}

function policy(clusterIps: readonly string[]): string {
  return clusterIps.length > 1 ? "PreferDualStack" : "SingleStack";
}
