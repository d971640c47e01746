/** Which of a service port's endpoints get its packets (upstream: pkg/proxy/topology.go, CategorizeEndpoints). */
import { hostPort, type IpAddress } from "../../model/address.ts";
import type { Endpoint, ServicePort } from "../../model/service.ts";

/** Where this node is. */
export interface NodeFacts {
  readonly name: string;
  /** topology.kubernetes.io/zone; "" where the node has none. */
  readonly zone: string;
  /** Its own addresses, which loadBalancerSourceRanges may name; default: none. */
  readonly ips?: readonly IpAddress[];
}

export interface ChosenEndpoints {
  /** For policy Cluster, and for what comes from inside to an external address. */
  readonly cluster: readonly Endpoint[];
  /** For policy Local. */
  readonly local: readonly Endpoint[];
  /** Whether any node has an endpoint: without one packets are rejected rather than dropped. */
  readonly any: boolean;
}

/** Endpoints of several slices as one list, in a fixed order, each address and port once. */
export function mergeEndpoints(lists: readonly (readonly Endpoint[])[]): readonly Endpoint[] {
  const merged: Endpoint[] = [];
  for (const endpoint of lists.flat().sort(byAddress)) {
    const last = merged.at(-1);
    if (last === undefined || byAddress(last, endpoint) !== 0) merged.push(endpoint);
    // The address of a pod that ends may be another pod's already: the running one is meant.
    else if (!endpoint.terminating) merged[merged.length - 1] = endpoint;
  }
  return merged;
}

function byAddress(a: Endpoint, b: Endpoint): number {
  if (a.ip !== b.ip) return a.ip < b.ip ? -1 : 1;
  return a.port - b.port;
}

/** "10.0.0.1:80", "[fd00::1]:80" */
export function endpointKey({ ip, port }: Pick<Endpoint, "ip" | "port">): string {
  return hostPort(ip, port);
}

/** Whether anything outside of the cluster may reach it. */
export function isExternallyAccessible(port: ServicePort): boolean {
  return port.nodePort !== 0 || port.externalIps.length > 0 || port.loadBalancerIps.length > 0;
}

export function chooseEndpoints(endpoints: readonly Endpoint[], port: ServicePort, node: NodeFacts): ChosenEndpoints {
  const isExternal = isExternallyAccessible(port);
  // Even policy Local needs the others: what comes from inside to an external address is short-circuited.
  const cluster = !port.internalLocal || isExternal ? clusterEndpoints(endpoints, node) : [];
  const usesLocal = port.internalLocal || (port.externalLocal && isExternal);
  if (!usesLocal) return { cluster, local: [], any: cluster.length > 0 };
  const any = endpoints.some((endpoint) => endpoint.ready || isLastResort(endpoint));
  return { cluster, local: localEndpoints(endpoints), any };
}

/** KEP-1669: while none is ready, those that end but still serve are better than none. */
function isLastResort({ serving, terminating }: Endpoint): boolean {
  return serving && terminating;
}

function clusterEndpoints(endpoints: readonly Endpoint[], node: NodeFacts): readonly Endpoint[] {
  const isNear = topology(endpoints, node);
  const ready = endpoints.filter((endpoint) => endpoint.ready && isNear(endpoint));
  return ready.length > 0 ? ready : endpoints.filter(isLastResort);
}

function localEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const local = endpoints.filter(({ isLocal }) => isLocal);
  const ready = local.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : local.filter(isLastResort);
}

/** Hints hold where every ready endpoint has one and one of them means this node, or its zone (KEP-2433, KEP-3015). */
function topology(endpoints: readonly Endpoint[], node: NodeFacts): (endpoint: Endpoint) => boolean {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const isHinted = (hints: (endpoint: Endpoint) => readonly string[], here: string): boolean =>
    ready.length > 0 &&
    ready.every((endpoint) => hints(endpoint).length > 0) &&
    ready.some((endpoint) => hints(endpoint).includes(here));
  if (isHinted(({ nodeHints }) => nodeHints, node.name)) return ({ nodeHints }) => nodeHints.includes(node.name);
  if (node.zone !== "" && isHinted(({ zoneHints }) => zoneHints, node.zone)) {
    return ({ zoneHints }) => zoneHints.includes(node.zone);
  }
  return () => true;
}
