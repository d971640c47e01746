/**
 * Puts endpoints of one set of ports into slices with as few writes as can be (KEP-0752, "EndpointSlice
 * batching"; staging/src/k8s.io/endpointslice/reconciler.go reconcileByPortMapping). Pure.
 *
 * 1. What is not wanted leaves its slice, what changed is changed in its slice.
 * 2. Slices that are written anyway are filled up, the fullest first.
 * 3. What is left goes into one slice that has room for all of it, else into new ones.
 */
import type { EndpointSlice, Service } from "../../../model/kubernetes.ts";
import { endpointKey, sameEndpoint, type AddressType, type Endpoint, type EndpointPort } from "./endpoint.ts";
import { labelsDiffer, labelsOf, newSlice, type Slice } from "./slice.ts";

/** --max-endpoints-per-slice */
export const maxEndpointsPerSlice = 100;

export interface Packed {
  readonly create: readonly Slice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

export interface Group {
  readonly service: Service;
  readonly addressType: AddressType;
  readonly ports: readonly EndpointPort[];
  readonly existing: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoint[];
}

export function pack(group: Group): Packed {
  const { service, addressType, ports, existing } = group;
  const wanted = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const unchanged: EndpointSlice[] = [];
  for (const slice of existing) {
    const { kept, isChanged } = keep(slice, wanted);
    if (isChanged && kept.length === 0) remove.push(slice);
    else if (isChanged || labelsDiffer(slice, service)) update.push(relabelled({ ...slice, endpoints: kept }, service));
    else unchanged.push(slice);
  }
  const rest = [...wanted.values()];
  update.sort((a, b) => b.endpoints.length - a.endpoints.length);
  const filled: EndpointSlice[] = update.map((slice) => fill(slice, rest));
  const create: Slice[] = [];
  while (rest.length > 0) {
    const roomy = rest.length < maxEndpointsPerSlice ? closestToFull(unchanged, rest.length) : undefined;
    if (roomy) filled.push(fill(roomy, rest));
    else create.push(fill(newSlice(service, addressType, ports), rest));
  }
  return { create, update: filled, remove };
}

/** Takes what stays in this slice out of what is wanted. */
function keep({ endpoints }: EndpointSlice, wanted: Map<string, Endpoint>): { kept: Endpoint[]; isChanged: boolean } {
  const kept: Endpoint[] = [];
  let isChanged = false;
  for (const endpoint of endpoints ?? []) {
    const key = endpointKey(endpoint);
    const now = wanted.get(key);
    if (now === undefined) {
      isChanged = true;
      continue;
    }
    wanted.delete(key);
    // Without hints: slices that are written get them anew.
    kept.push(now);
    isChanged ||= !sameEndpoint(now, endpoint);
  }
  return { kept, isChanged };
}

function relabelled(slice: EndpointSlice, service: Service): EndpointSlice {
  return { ...slice, metadata: { ...slice.metadata, labels: labelsOf(service) } };
}

/** Takes from the rest what the slice has room for. */
function fill<S extends Slice>(slice: S, rest: Endpoint[]): S {
  const room = Math.max(0, maxEndpointsPerSlice - slice.endpoints.length);
  if (room === 0 || rest.length === 0) return slice;
  return { ...slice, endpoints: [...slice.endpoints, ...rest.splice(0, room)] };
}

function closestToFull(slices: readonly EndpointSlice[], more: number): EndpointSlice | undefined {
  let best: EndpointSlice | undefined;
  for (const slice of slices) {
    const size = slice.endpoints.length;
    if (size + more <= maxEndpointsPerSlice && size > (best?.endpoints.length ?? -1)) best = slice;
  }
  return best;
}
