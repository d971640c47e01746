/** One Service with its EndpointSlices → what each of its ports wants of the kernel. */
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { Endpoint, IpFamily, ServicePort } from "../../model/service.ts";
import { servicePortName } from "../../model/service.ts";
import type { IpAddress } from "../../model/address.ts";
import { schedulerOf, servicePorts, sliceEndpoints } from "./decode.ts";
import { mergeEndpoints } from "./endpoints.ts";
import type { Backend } from "./backends.ts";
import { deriveFrontends, type DeriveOptions, type Frontend } from "./frontends.ts";
import { ignoreProblems, type Report } from "./problems.ts";

/** What a service port asks for. */
export interface WantedPort {
  readonly frontends: readonly Frontend[];
  /** Addresses of backends that are on this node: each can be its own client. */
  readonly localBackends: readonly IpAddress[];
  /**
   * Of UDP and SCTP, whose flows outlive their endpoint in conntrack: every endpoint that is ready or serves while it
   * ends, whatever policies and hints say: a change of those leaves flows where they are, as upstream.
   */
  readonly serving: readonly Backend[];
  /** How connections are balanced, where the Service says it; the ipvs mode alone heeds it. */
  readonly scheduler?: string;
  /** Where load balancers ask whether this node serves it; of policy Local alone. */
  readonly healthCheckNodePort?: number;
}

/**
 * @param report is told what of the objects cannot be served, once for each call
 * @returns by the service port's name; none for a Service that no proxy serves
 */
export function deriveService(
  service: Service,
  slices: readonly EndpointSlice[],
  family: IpFamily,
  options: DeriveOptions,
  report: Report = ignoreProblems,
): ReadonlyMap<string, WantedPort> {
  const ports = servicePorts(service, family, report);
  if (ports.length === 0) return new Map();
  const scheduler = schedulerOf(service, report);
  const byPort = endpointsByPort(slices, family, options.node.name, report);
  return new Map(
    ports.map((port) => [
      `${servicePortName(port)}/${port.protocol}`,
      {
        ...derivePort(port, mergeEndpoints(byPort.get(`${port.portName}/${port.protocol}`) ?? []), options),
        ...healthCheck(service, port),
        ...(scheduler === undefined ? {} : { scheduler }),
      },
    ]),
  );
}

function derivePort(port: ServicePort, endpoints: readonly Endpoint[], options: DeriveOptions): WantedPort {
  const local = endpoints.filter(({ isLocal }) => isLocal).map(({ ip }) => ip);
  return {
    frontends: deriveFrontends(port, endpoints, options),
    localBackends: local.length === 0 ? local : [...new Set(local)],
    serving: servingBackends(port, endpoints),
  };
}

/** Of type LoadBalancer alone (upstream: NeedsHealthCheck). */
function healthCheck({ spec }: Service, { externalLocal }: ServicePort): Pick<WantedPort, "healthCheckNodePort"> {
  const { type, healthCheckNodePort } = spec;
  return type === "LoadBalancer" && externalLocal && healthCheckNodePort ? { healthCheckNodePort } : {};
}

export function servingBackends({ protocol }: ServicePort, endpoints: readonly Endpoint[]): readonly Backend[] {
  if (protocol === "TCP") return [];
  return endpoints.filter(({ ready, serving }) => ready || serving).map(({ ip, port }) => ({ ip, port }));
}

/** By a port's name and protocol, from whichever slices. */
function endpointsByPort(
  slices: readonly EndpointSlice[],
  family: IpFamily,
  nodeName: string,
  report: Report,
): ReadonlyMap<string, readonly (readonly Endpoint[])[]> {
  const byPort = new Map<string, (readonly Endpoint[])[]>();
  for (const slice of slices) {
    for (const { portName, protocol, endpoints } of sliceEndpoints(slice, family, nodeName, report)) {
      const key = `${portName}/${protocol}`;
      byPort.set(key, [...(byPort.get(key) ?? []), endpoints]);
    }
  }
  return byPort;
}
