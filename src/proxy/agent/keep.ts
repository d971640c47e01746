/** What the proxy keeps of the API's objects: their fields are most of its memory, and it needs few of them. */
import type { EndpointSlice, Node, ObjectMeta, Service } from "../../model/kubernetes.ts";

/** Label of an EndpointSlice: the Service whose it is. */
export const serviceNameLabel = "kubernetes.io/service-name";
/** When the first of the changes that an EndpointSlice shows was made (upstream: EndpointsLastChangeTriggerTime). */
export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

export function keepService({ metadata, spec, status }: Service): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: keepMetadata(metadata),
    spec: {
      ...there(spec, [
        "type",
        "clusterIP",
        "clusterIPs",
        "externalIPs",
        "externalTrafficPolicy",
        "internalTrafficPolicy",
        "healthCheckNodePort",
        "loadBalancerClass",
        "loadBalancerSourceRanges",
        "sessionAffinity",
        "sessionAffinityConfig",
      ]),
      ports: (spec.ports ?? []).map(({ port, ...rest }) => ({
        port,
        ...there(rest, ["name", "protocol", "nodePort"]),
      })),
    },
    ...(status?.loadBalancer?.ingress ? { status: { loadBalancer: status.loadBalancer } } : {}),
  };
}

export function keepSlice({ metadata, addressType, ports, endpoints }: EndpointSlice): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: keepMetadata(metadata, [serviceNameLabel], [triggerTimeAnnotation]),
    addressType,
    ports: (ports ?? []).map((port) => there(port, ["name", "port", "protocol"])),
    endpoints: (endpoints ?? []).map(({ addresses, ...rest }) => ({
      // They are fungible: consumers take the first.
      addresses: addresses.slice(0, 1),
      ...there(rest, ["conditions", "nodeName", "hints"]),
    })),
  };
}

export function keepNode({ metadata, spec, status }: Node): Node {
  const labels = Object.keys(metadata.labels ?? {});
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: keepMetadata(metadata, labels),
    spec: there(spec ?? {}, ["podCIDR", "podCIDRs", "taints"]),
    status: there(status ?? {}, ["addresses"]),
  };
}

function keepMetadata(
  metadata: ObjectMeta,
  labels: readonly string[] = [],
  annotations: readonly string[] = [],
): ObjectMeta {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid,
    resourceVersion,
    creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(labels.length > 0 && metadata.labels ? { labels: there(metadata.labels, labels) } : {}),
    ...(annotations.length > 0 && metadata.annotations
      ? { annotations: there(metadata.annotations, annotations) }
      : {}),
  };
}

/** The fields that the object has, of those that are named. */
function there<T extends object, K extends keyof T>(object: T, names: readonly K[]): Pick<T, K> {
  const kept: Partial<Pick<T, K>> = {};
  for (const name of names) if (object[name] !== undefined) kept[name] = object[name];
  return kept as Pick<T, K>;
}
