/** Hints of endpoints: by a Service's trafficDistribution (KEP-4444, KEP-3015), or none. Pure. */
import type { EndpointSlice, Service } from "../../../model/kubernetes.ts";
import { isReadyEndpoint, type Endpoint } from "./endpoint.ts";
import type { Slice } from "./slice.ts";

/** Slices of one address type on their way to be written. */
export interface Changes {
  readonly create: readonly Slice[];
  readonly update: readonly EndpointSlice[];
  /** What would be left as it is. */
  readonly unchanged: readonly EndpointSlice[];
}

export function withEndpoints<S extends Slice>(slice: S, endpoints: readonly Endpoint[]): S {
  return { ...slice, endpoints };
}

export function withHints({ hints: _, ...endpoint }: Endpoint, hints: Endpoint["hints"]): Endpoint {
  return hints === undefined ? endpoint : { ...endpoint, hints };
}

/** Gives hints by the field; slices whose hints are wrong join those that are written. */
export function distributeTraffic(changes: Changes, distribution: TrafficDistribution | undefined): Changes {
  const hintsOf = (endpoint: Endpoint): Endpoint["hints"] => distribution && closeHints(endpoint, distribution);
  const isRight = ({ endpoints }: EndpointSlice): boolean =>
    (endpoints ?? []).every((endpoint) => {
      if (distribution === undefined) return endpoint.hints === undefined;
      if (!isReadyEndpoint(endpoint)) return true;
      return JSON.stringify(endpoint.hints) === JSON.stringify(hintsOf(endpoint));
    });
  const hinted = <S extends Slice>(slice: S): S =>
    withEndpoints(
      slice,
      (slice.endpoints ?? []).map((endpoint) => withHints(endpoint, hintsOf(endpoint))),
    );
  return {
    create: changes.create.map(hinted),
    update: [...changes.update, ...changes.unchanged.filter((slice) => !isRight(slice))].map(hinted),
    unchanged: changes.unchanged.filter(isRight),
  };
}

const distributions = ["PreferClose", "PreferSameZone", "PreferSameNode"] as const;
export type TrafficDistribution = (typeof distributions)[number];

export function trafficDistributionOf({ spec }: Service): TrafficDistribution | undefined {
  return distributions.find((value) => value === spec.trafficDistribution);
}

function closeHints(endpoint: Endpoint, distribution: TrafficDistribution): Endpoint["hints"] {
  if (!isReadyEndpoint(endpoint)) return undefined;
  const { zone, nodeName } = endpoint;
  const forNodes = distribution === "PreferSameNode" && nodeName !== undefined ? [{ name: nodeName }] : undefined;
  if (zone === undefined && forNodes === undefined) return undefined;
  return { ...(forNodes ? { forNodes } : {}), ...(zone === undefined ? {} : { forZones: [{ name: zone }] }) };
}
