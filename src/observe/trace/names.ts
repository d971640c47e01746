/** What the API calls the addresses of a trace: Services' frontends, and the pods behind them. Pure. */
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import { protocolNumbers, type Protocol } from "../../model/service.ts";
import type { NodeFacts, TracedPacket } from "./packet.ts";

export interface TraceNames {
  /** "default/web:http", of the Service whose frontend the packet goes to. */
  readonly service: string | undefined;
  /** "pod default/web-1" by an endpoint's address; of those that have no pod nothing. */
  readonly endpoints: ReadonlyMap<string, string>;
}

/** @param slices of all Services */
export function namesFor(
  packet: TracedPacket,
  node: NodeFacts,
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): TraceNames {
  for (const service of services) {
    const port = service.spec.ports?.find((one) => isTo(packet, node, service, one));
    if (!port) continue;
    const { namespace, name } = service.metadata;
    const text = `${namespace}/${name}:${port.name ?? port.port}`;
    const own = slices.filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[owner] === name);
    return { service: text, endpoints: podsOf(own) };
  }
  return { service: undefined, endpoints: new Map() };
}

const owner = "kubernetes.io/service-name";
type Port = NonNullable<Service["spec"]["ports"]>[number];

function isTo({ destination, destinationPort, protocol }: TracedPacket, node: NodeFacts, service: Service, port: Port) {
  if (protocolNumbers[(port.protocol ?? "TCP") as Protocol] !== protocol) return false;
  if (port.port === destinationPort && addressesOf(service).includes(destination)) return true;
  return port.nodePort === destinationPort && node.isLocal(destination);
}

function addressesOf({ spec, status }: Service): readonly string[] {
  const balancers = status?.loadBalancer?.ingress?.flatMap(({ ip }) => ip ?? []) ?? [];
  return [...(spec.clusterIPs ?? []), ...(spec.externalIPs ?? []), ...balancers];
}

function podsOf(slices: readonly EndpointSlice[]): ReadonlyMap<string, string> {
  const pods = slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).flatMap(({ addresses, targetRef }) =>
      targetRef?.kind === "Pod"
        ? addresses.map((address) => [address, `pod ${targetRef.namespace}/${targetRef.name}`] as const)
        : [],
    ),
  );
  return new Map(pods);
}
