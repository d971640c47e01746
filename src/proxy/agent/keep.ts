/** What the proxy keeps of the API's objects: their fields are most of its memory, and it needs few of them. */
import { JsonFields } from "../../api/json_fields.ts";
import {
  anything,
  firstText,
  onlyText,
  rowOfEach,
  starWhere,
  usually,
  wholeNumber,
  word,
} from "../../api/line_form.ts";
import type { EndpointSlice, Node, Service } from "../../model/kubernetes.ts";
import { schedulerAnnotation } from "../derive/decode.ts";

/** Label of an EndpointSlice: the Service whose it is. */
export const serviceNameLabel = "kubernetes.io/service-name";
/** When the first of the changes that an EndpointSlice shows was made (upstream: EndpointsLastChangeTriggerTime). */
export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

/** What every object is known by. */
const metadata = { name: word, namespace: word, uid: word, resourceVersion: word } as const;

/** What of Services is read at all, and the line of a usual one (kept.ts). */
export const serviceFields = new JsonFields({
  metadata: { ...metadata, annotations: { [schedulerAnnotation]: true } },
  spec: {
    type: usually("ClusterIP"),
    clusterIP: anything,
    clusterIPs: onlyText,
    externalIPs: true,
    externalTrafficPolicy: usually("Cluster"),
    internalTrafficPolicy: usually("Cluster"),
    healthCheckNodePort: true,
    loadBalancerSourceRanges: true,
    sessionAffinity: usually("None"),
    sessionAffinityConfig: true,
    ports: rowOfEach({ port: wholeNumber, name: word, protocol: usually("TCP"), nodePort: usually(0) }),
  },
  status: { loadBalancer: { ingress: true } },
});

/**
 * What of EndpointSlices is read at all, and the line of a usual one (kept.ts).
 *
 * @param nodeName whose endpoints are told from all others
 */
export function sliceFields(nodeName: string): JsonFields {
  return new JsonFields({
    metadata: { ...metadata, labels: { [serviceNameLabel]: word }, annotations: { [triggerTimeAnnotation]: word } },
    addressType: word,
    ports: rowOfEach({ port: wholeNumber, name: word, protocol: usually("TCP") }),
    endpoints: rowOfEach({
      // They are fungible: consumers take the first.
      addresses: firstText,
      // What is unknown is taken for ready.
      conditions: { ready: usually(true), serving: usually(true), terminating: usually(false) },
      nodeName: starWhere(nodeName),
      hints: true,
    }),
  });
}

/** Of what is as it usually is nothing is kept: readers take what lacks for just that. */
const usual: Readonly<Record<string, unknown>> = {
  type: "ClusterIP",
  internalTrafficPolicy: "Cluster",
  externalTrafficPolicy: "Cluster",
  sessionAffinity: "None",
  protocol: "TCP",
  nodePort: 0,
};

const specFields = [
  "type",
  "clusterIPs",
  "externalIPs",
  "externalTrafficPolicy",
  "internalTrafficPolicy",
  "healthCheckNodePort",
  "loadBalancerSourceRanges",
  "sessionAffinity",
  "sessionAffinityConfig",
] as const;

/** Of a Service, with the scheduler that it names. */
export type KeptService = Pick<Service, "spec" | "status"> & { readonly scheduler?: string };

export function keepService({ metadata: { annotations }, spec, status }: Service): KeptService {
  const scheduler = annotations?.[schedulerAnnotation];
  return {
    ...(scheduler ? { scheduler } : {}),
    spec: {
      ...there(spec, specFields),
      ...(spec.clusterIPs === undefined ? there(spec, ["clusterIP"]) : {}),
      ports: (spec.ports ?? []).map(({ port, ...rest }) => ({
        port,
        ...there(rest, ["name", "protocol", "nodePort"]),
      })),
    },
    ...(status?.loadBalancer?.ingress ? { status: { loadBalancer: status.loadBalancer } } : {}),
  };
}

export function keepSlice({
  addressType,
  ports,
  endpoints,
}: EndpointSlice): Pick<EndpointSlice, "addressType" | "ports" | "endpoints"> {
  return {
    addressType,
    ports: (ports ?? []).map((port) => there(port, ["name", "port", "protocol"])),
    endpoints: (endpoints ?? []).map(keepEndpoint),
  };
}

function keepEndpoint({
  addresses,
  conditions,
  ...rest
}: EndpointSlice["endpoints"][number]): EndpointSlice["endpoints"][number] {
  const { ready = true, serving = ready, terminating = false } = conditions ?? {};
  return {
    // They are fungible: consumers take the first.
    addresses: addresses.slice(0, 1),
    // What is unknown is taken for ready.
    ...(ready && serving && !terminating ? {} : { conditions: { ready, serving, terminating } }),
    ...there(rest, ["nodeName", "hints"]),
  };
}

export function keepNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  const { name, uid, resourceVersion, creationTimestamp, deletionTimestamp, labels } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: there(spec ?? {}, ["podCIDR", "podCIDRs", "taints"]),
    status: there(status ?? {}, ["addresses"]),
  };
}

/** The fields that the object has, of those that are named, where they are not as usual. */
function there<T extends object, K extends keyof T & string>(object: T, names: readonly K[]): Pick<T, K> {
  const kept: Partial<Pick<T, K>> = {};
  for (const name of names) {
    if (object[name] !== undefined && object[name] !== usual[name]) kept[name] = object[name];
  }
  return kept as Pick<T, K>;
}
