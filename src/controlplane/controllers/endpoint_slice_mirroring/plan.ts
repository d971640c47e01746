/**
 * EndpointSlices of Endpoints that somebody keeps by hand for a Service without a selector
 * (upstream: pkg/controller/endpointslicemirroring).
 */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { Endpoints, EndpointSlice, New, Service } from "../../../model/kubernetes.ts";
import { endpointKey, portsKey, sameEndpoint, type Endpoint, type EndpointPort } from "../endpoint_slice/endpoint.ts";
import { managedByLabel, serviceNameLabel, slicePrefix } from "../endpoint_slice/slice.ts";
import { controllerRef } from "../ownership.ts";
import { familyOfIp } from "../../../model/cidr.ts";
import type { IpFamily } from "../../../model/service.ts";
import { triggerTimeAnnotation } from "../services/trigger_time.ts";

export const managedBy = "endpointslicemirroring-controller.k8s.io";
/** --mirroring-max-endpoints-per-subset */
export const maxEndpointsPerSubset = 1000;

export type Step =
  | { readonly kind: "create"; readonly slice: New<EndpointSlice> }
  | { readonly kind: "update"; readonly slice: EndpointSlice }
  | { readonly kind: "delete"; readonly slice: EndpointSlice }
  | { readonly kind: "event"; readonly reason: string; readonly message: string };

export interface Observed {
  readonly endpoints: Endpoints | undefined;
  readonly service: Service | undefined;
  /** This controller's slices of the Endpoints. */
  readonly slices: readonly EndpointSlice[];
}

interface Group {
  readonly type: IpFamily;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
const unmirrored: readonly string[] = [triggerTimeAnnotation, "kubectl.kubernetes.io/last-applied-configuration"];

export function isMirrored({ metadata: { labels, annotations } }: Endpoints): boolean {
  return labels?.[skipLabel] !== "true" && annotations?.[leaderAnnotation] === undefined;
}

export function plan({ endpoints, service, slices }: Observed): readonly Step[] {
  const hasSelector = Object.keys(service?.spec.selector ?? {}).length > 0;
  if (!endpoints || !service || hasSelector || !isMirrored(endpoints)) return slices.map(remove);
  const { groups, skipped } = groupsOf(endpoints);
  const steps: Step[] = [];
  const kept = new Set<EndpointSlice>();
  const wanted: Group[] = [];
  for (const group of groups) {
    const same = slices.find((slice) => groupKey(slice.addressType, slice.ports) === keyOfGroup(group));
    if (!same) wanted.push(group);
    else {
      kept.add(same);
      if (!isRight(same, endpoints, group)) steps.push({ kind: "update", slice: rewritten(same, endpoints, group) });
    }
  }
  const left = slices.filter((slice) => !kept.has(slice));
  for (const group of wanted) {
    // A slice that would go is written anew.
    const at = left.findIndex(({ addressType }) => addressType === group.type);
    const [recycled] = at < 0 ? [] : left.splice(at, 1);
    if (recycled) steps.push({ kind: "update", slice: rewritten(recycled, endpoints, group) });
    else if (endpoints.metadata.deletionTimestamp === undefined) {
      steps.push({ kind: "create", slice: newSlice(endpoints, group) });
    }
  }
  return [...steps, ...left.map(remove), ...skipped];
}

const remove = (slice: EndpointSlice): Step => ({ kind: "delete", slice });
const groupKey = (type: string, ports: readonly EndpointPort[] | undefined): string => `${type} ${portsKey(ports)}`;
const keyOfGroup = ({ type, ports }: Group): string => groupKey(type, ports);

function groupsOf({ subsets = [] }: Endpoints): { groups: Group[]; skipped: Step[] } {
  const groups = new Map<string, Group>();
  let skipped = 0;
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const all = [
      ...addresses.map((address) => ({ address, isReady: true })),
      ...notReadyAddresses.map((address) => ({ address, isReady: false })),
    ];
    skipped += Math.max(0, all.length - maxEndpointsPerSubset);
    for (const { address, isReady } of all.slice(0, maxEndpointsPerSubset)) {
      const { ip, hostname, nodeName, targetRef } = address;
      const endpoint: Endpoint = {
        addresses: [ip],
        conditions: { ready: isReady },
        ...(hostname === undefined || hostname === "" ? {} : { hostname }),
        ...(nodeName === undefined ? {} : { nodeName }),
        ...(targetRef === undefined ? {} : { targetRef }),
      };
      const type = familyOfIp(ip);
      const slicePorts = ports.map(({ name = "", ...port }) => ({ name, ...port }));
      const key = groupKey(type, slicePorts);
      const group = groups.get(key) ?? { type, ports: slicePorts, endpoints: new Map<string, Endpoint>() };
      groups.set(key, group);
      group.endpoints.set(endpointKey(endpoint), endpoint);
    }
  }
  const most = maxEndpointsPerSubset;
  const message = `A max of ${most} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
  return {
    groups: [...groups.values()],
    skipped: skipped === 0 ? [] : [{ kind: "event", reason: "TooManyAddressesToMirror", message }],
  };
}

function isRight(slice: EndpointSlice, endpoints: Endpoints, group: Group): boolean {
  const has = slice.endpoints ?? [];
  const { labels, annotations } = metadataOf(endpoints);
  return (
    has.length === Math.min(group.endpoints.size, maxEndpointsPerSubset) &&
    has.every((endpoint) => {
      const wanted = group.endpoints.get(endpointKey(endpoint));
      return wanted !== undefined && sameEndpoint(wanted, endpoint);
    }) &&
    sameText(slice.metadata.labels, labels) &&
    sameText(withoutTriggerTime(slice.metadata.annotations), annotations)
  );
}

function withoutTriggerTime(annotations: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => key !== triggerTimeAnnotation));
}

function sameText(a: Readonly<Record<string, string>> = {}, b: Readonly<Record<string, string>> = {}): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function metadataOf({ metadata }: Endpoints): { labels: Record<string, string>; annotations: Record<string, string> } {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([key]) => !unmirrored.includes(key));
  return {
    labels: { ...metadata.labels, [serviceNameLabel]: metadata.name, [managedByLabel]: managedBy },
    annotations: Object.fromEntries(annotations),
  };
}

function contentOf(group: Group): Pick<EndpointSlice, "addressType" | "endpoints" | "ports"> {
  const endpoints = [...group.endpoints.values()].slice(0, maxEndpointsPerSubset);
  return { addressType: group.type, endpoints, ports: group.ports };
}

function newSlice(endpoints: Endpoints, group: Group): New<EndpointSlice> {
  const { namespace = "", name } = endpoints.metadata;
  const ownerReferences = [controllerRef(resourceTypes.endpoints, endpoints)];
  return {
    metadata: { generateName: slicePrefix(name), namespace, ownerReferences, ...metadataOf(endpoints) },
    ...contentOf(group),
  };
}

function rewritten(slice: EndpointSlice, endpoints: Endpoints, group: Group): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, ...metadataOf(endpoints) }, ...contentOf(group) };
}
