/** Which Services have a health-check node port, and what it is to say (KEP-27; upstream: pkg/proxy/healthcheck). */
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import { sliceEndpoints } from "../derive/decode.ts";

export interface HealthCheck {
  readonly port: number;
  /** Addresses of ready endpoints on this node; of a Service of both families, those of the one that has more. */
  readonly localEndpoints: number;
}

const families: readonly IpFamily[] = ["IPv4", "IPv6"];

/** @returns undefined for a Service that needs none: load balancers of policy Local alone do */
export function deriveHealthCheck(
  { spec }: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
): HealthCheck | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort: port = 0 } = spec;
  if (type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || port <= 0 || port > 65_535) return undefined;
  const counts = families.map((family) => localEndpoints(slices, family, nodeName));
  return { port, localEndpoints: Math.max(...counts) };
}

function localEndpoints(slices: readonly EndpointSlice[], family: IpFamily, nodeName: string): number {
  const addresses = new Set<string>();
  for (const slice of slices) {
    for (const { endpoints } of sliceEndpoints(slice, family, nodeName)) {
      for (const { ip, ready, isLocal } of endpoints) if (isLocal && ready) addresses.add(ip);
    }
  }
  return addresses.size;
}
