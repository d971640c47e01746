/** EndpointSlices as this controller writes them: whose they are, their labels and names. Pure. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { EndpointSlice, New, Service } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import { controllerRef } from "../ownership.ts";
import { hasClusterIp } from "../services/endpoint_pod.ts";
import type { AddressType, EndpointPort } from "./endpoint.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const headlessLabel = "service.kubernetes.io/headless";
export const managedBy = "endpointslice-controller.k8s.io";

/** One that is to be created has no name yet. */
export type Slice = EndpointSlice | New<EndpointSlice>;

export type SliceStep =
  | { readonly kind: "create"; readonly slice: New<EndpointSlice> }
  | { readonly kind: "update"; readonly slice: EndpointSlice }
  | { readonly kind: "delete"; readonly slice: EndpointSlice };

const reserved: readonly string[] = [serviceNameLabel, managedByLabel, headlessLabel];

export function newSlice(service: Service, addressType: AddressType, ports: readonly EndpointPort[]): Slice {
  const { namespace = "", name } = service.metadata;
  return {
    metadata: {
      generateName: slicePrefix(name),
      namespace,
      labels: labelsOf(service),
      ownerReferences: [controllerRef(resourceTypes.services, service)],
    },
    addressType,
    endpoints: [],
    ports: [...ports],
  };
}

/** Room for the suffix that makes the name: the dash is left out where it would make the name too long. */
export function slicePrefix(name: string): string {
  return name.length < 253 ? `${name}-` : name;
}

export function labelsOf(service: Service): Labels {
  return {
    ...unreserved(service.metadata.labels),
    ...(hasClusterIp(service) ? {} : { [headlessLabel]: "" }),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
  };
}

/** Whether a slice lacks labels of its Service or has others; its own three are not looked at. */
export function labelsDiffer(slice: Slice, service: Service): boolean {
  const has = unreserved(slice.metadata.labels);
  const wanted = unreserved(service.metadata.labels);
  const keys = Object.keys(wanted);
  return keys.length !== Object.keys(has).length || keys.some((key) => has[key] !== wanted[key]);
}

function unreserved(labels: Labels = {}): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !reserved.includes(key)));
}

export function isOwnedBy({ metadata }: EndpointSlice, service: Service): boolean {
  return (metadata.ownerReferences ?? []).some(
    ({ uid, kind, apiVersion }) => uid === service.metadata.uid && kind === "Service" && apiVersion === "v1",
  );
}

/** A slice's Service, "namespace/name". */
export function serviceKeyOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[serviceNameLabel];
  return name === undefined || name === "" ? undefined : `${metadata.namespace ?? ""}/${name}`;
}

export const isManaged = ({ metadata }: EndpointSlice): boolean => metadata.labels?.[managedByLabel] === managedBy;
