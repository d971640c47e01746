/** What a Service asks of a pod: which of them are endpoints, and at which ports. Pure. */
import { familyOfIp } from "../../../model/cidr.ts";
import type { Pod, Service } from "../../../model/kubernetes.ts";
import type { IpFamily } from "../../../model/service.ts";

export type ServicePort = NonNullable<Service["spec"]["ports"]>[number];
type Container = Pod["spec"]["containers"][number];

export function isPodReady({ status }: Pod): boolean {
  return status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";
}

/** Completed: it never serves again. */
export function isTerminal({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** @param includeTerminating whether a pod that is being deleted still counts */
export function belongsToEndpoints(pod: Pod, includeTerminating: boolean): boolean {
  if (isTerminal(pod) || podIps(pod).length === 0) return false;
  return includeTerminating || pod.metadata.deletionTimestamp === undefined;
}

export function podIps({ status }: Pod): readonly string[] {
  const { podIP, podIPs } = status ?? {};
  if (podIPs && podIPs.length > 0) return podIPs.map(({ ip }) => ip);
  return podIP === undefined || podIP === "" ? [] : [podIP];
}

/** The families that a Service's endpoints are of (staging/src/k8s.io/endpointslice/utils.go). */
export function familiesOf({ spec }: Service): readonly IpFamily[] {
  const named = (spec.ipFamilies ?? []).filter((family): family is IpFamily => family === "IPv4" || family === "IPv6");
  if (named.length > 0) return named;
  const { clusterIP = "" } = spec;
  // What an API server from before dual stack stored: a headless Service may have either.
  return clusterIP === "" || clusterIP === "None" ? ["IPv4", "IPv6"] : [familyOfIp(clusterIP)];
}

export function hasClusterIp({ spec }: Service): boolean {
  return (spec.clusterIP ?? "") !== "" && spec.clusterIP !== "None";
}

/** Whose endpoints the controllers keep: a Service with a selector that is no alias. An empty selector is none. */
export function isSelecting({ spec }: Service): boolean {
  return Object.keys(spec.selector ?? {}).length > 0 && spec.type !== "ExternalName";
}

/** DNS names of single pods: `hostname.service.namespace` of those whose subdomain is the Service's name. */
export function hostnameOf({ spec, metadata }: Pod, service: Service): string | undefined {
  const { hostname = "", subdomain } = spec;
  const isOfService = subdomain === service.metadata.name && metadata.namespace === service.metadata.namespace;
  return hostname !== "" && isOfService ? hostname : undefined;
}

/** The number of a Service's port in a pod: a name is looked up in its containers and sidecars. */
export function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target: unknown = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  const { containers, initContainers = [] } = pod.spec;
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const container of [...containers, ...sidecars] as readonly Container[]) {
    for (const { name, protocol = "TCP", containerPort } of container.ports ?? []) {
      if (name === target && protocol === (port.protocol ?? "TCP")) return containerPort;
    }
  }
  return undefined;
}

/** Whether a change of a pod can change the endpoints that it makes (endpointslice/util podEndpointsChanged). */
export function endpointChanged(previous: Pod, pod: Pod): boolean {
  const facts = (of: Pod): string =>
    JSON.stringify([
      of.metadata.deletionTimestamp !== undefined,
      isPodReady(of),
      isTerminal(of),
      podIps(of),
      of.spec.nodeName,
      of.spec.hostname,
      of.spec.subdomain,
    ]);
  return facts(previous) !== facts(pod);
}
