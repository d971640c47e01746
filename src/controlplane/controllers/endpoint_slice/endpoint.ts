/** Endpoints of pods, and what makes two of them the same (staging/src/k8s.io/endpointslice/utils.go). Pure. */
import type { EndpointSlice, Node, Pod, Service } from "../../../model/kubernetes.ts";
import { hostnameOf, isPodReady, targetPortOf, podIps } from "../services/endpoint_pod.ts";
import { familyOfIp } from "../../../model/cidr.ts";
import type { IpFamily } from "../../../model/service.ts";

export type Endpoint = EndpointSlice["endpoints"][number];
export type EndpointPort = NonNullable<EndpointSlice["ports"]>[number];
export type AddressType = IpFamily;

const zoneLabel = "topology.kubernetes.io/zone";

/** @returns undefined where the pod has no address of this type */
export function endpointOf(
  pod: Pod,
  node: Node | undefined,
  service: Service,
  type: AddressType,
): Endpoint | undefined {
  const addresses = podIps(pod).filter((ip) => familyOfIp(ip) === type);
  if (addresses.length === 0) return undefined;
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { namespace = "", name, uid } = pod.metadata;
  const { nodeName = "" } = pod.spec;
  const zone = node?.metadata.labels?.[zoneLabel] ?? "";
  const hostname = hostnameOf(pod, service);
  return {
    addresses,
    conditions: {
      // Never while it terminates, but for those who asked to be told of everything.
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === "" ? {} : { nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(zone === "" ? {} : { zone }),
  };
}

/** The Service's ports as this pod serves them; a name that it does not have is left out. */
export function portsOf(service: Service, pod: Pod): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port);
    if (number === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = port;
    return [{ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

/** Whether all pods serve the Service's ports at the same numbers. */
export function hasFixedPorts({ spec }: Service): boolean {
  return (spec.ports ?? []).every(({ targetPort }) => typeof targetPort !== "string");
}

/** Slices of one set of ports are filled together. */
export function portsKey(ports: readonly EndpointPort[] | undefined): string {
  return (ports ?? [])
    .map(({ name = "", port, protocol = "TCP", appProtocol }) => JSON.stringify([name, port, protocol, appProtocol]))
    .sort()
    .join();
}

/** Endpoints with the same key are one that changed; others come and go. */
export function endpointKey({ addresses, hostname = "", targetRef }: Endpoint): string {
  const all = addresses.length === 1 ? addresses[0]! : [...addresses].sort().join();
  return `${all} ${hostname} ${targetRef?.namespace ?? ""}/${targetRef?.name ?? ""}`;
}

/** Whether what is beyond the key is the same too; hints are not looked at. */
export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.nodeName === b.nodeName &&
    a.zone === b.zone &&
    a.conditions?.ready === b.conditions?.ready &&
    a.conditions?.serving === b.conditions?.serving &&
    a.conditions?.terminating === b.conditions?.terminating &&
    a.targetRef?.kind === b.targetRef?.kind &&
    a.targetRef?.uid === b.targetRef?.uid
  );
}

export const isReadyEndpoint = ({ conditions }: Endpoint): boolean => conditions?.ready === true;
