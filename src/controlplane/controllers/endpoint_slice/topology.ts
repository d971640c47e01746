/**
 * Topology-aware routing: `service.kubernetes.io/topology-mode: Auto` shares endpoints among zones in
 * proportion to their CPU (KEP-2433; staging/src/k8s.io/endpointslice/topologycache). Pure.
 */
import type { EndpointSlice, Node, Service } from "../../../model/kubernetes.ts";
import { millis } from "../../../model/quantity.ts";
import { isReadyEndpoint, type Endpoint } from "./endpoint.ts";
import { distributeTraffic, withEndpoints, withHints, type Changes } from "./hints.ts";
import type { Slice } from "./slice.ts";

/** The share of the cluster's CPU that each zone has; undefined where it cannot be told. */
export type ZoneShares = ReadonlyMap<string, number>;
/** Endpoints that hints give to each zone. */
export type ZoneCounts = ReadonlyMap<string, number>;

/** How much more than its share an endpoint may be asked for. */
const overload = 0.2;
const excluded = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

export function isTopologyAware({ metadata: { annotations = {} } }: Service): boolean {
  // The older annotation wins where both are there.
  const mode =
    annotations["service.kubernetes.io/topology-aware-hints"] ?? annotations["service.kubernetes.io/topology-mode"];
  return mode === "Auto" || mode === "auto";
}

export function zoneShares(nodes: Iterable<Node>): ZoneShares | undefined {
  const cpu = new Map<string, number>();
  let total = 0;
  for (const { metadata, status } of nodes) {
    if (excluded.some((label) => metadata.labels?.[label] !== undefined)) continue;
    if (status?.conditions?.find(({ type }) => type === "Ready")?.status !== "True") continue;
    const zone = metadata.labels?.["topology.kubernetes.io/zone"] ?? "";
    const amount = Number(millis(status.allocatable?.["cpu"] ?? "0"));
    // One node that does not tell makes all shares unknown.
    if (zone === "" || amount === 0) return undefined;
    cpu.set(zone, (cpu.get(zone) ?? 0) + amount);
    total += amount;
  }
  if (cpu.size < 2) return undefined;
  return new Map([...cpu].map(([zone, amount]) => [zone, amount / total]));
}

interface Allocation {
  readonly minimum: number;
  readonly maximum: number;
  readonly desired: number;
}

export interface Hinted extends Changes {
  /** Undefined where hints were taken away. */
  readonly zones: ZoneCounts | undefined;
  /** Why they were, in upstream's words. */
  readonly refused?: string;
}

export function addTopologyHints(changes: Changes, shares: ZoneShares | undefined): Hinted {
  const all = [...changes.create, ...changes.update, ...changes.unchanged];
  const ready = all.reduce((sum, { endpoints }) => sum + (endpoints ?? []).filter(isReadyEndpoint).length, 0);
  const allocations = allocate(ready, shares);
  if (typeof allocations === "string") return without(changes, allocations);
  const counts = new Map<string, number>();
  const { kept, touched } = keepHinted(changes.unchanged, allocations, counts);
  const written: Slice[] = [...changes.create, ...changes.update, ...touched];
  const zoneless = written.some(({ endpoints }) =>
    (endpoints ?? []).some((endpoint) => isReadyEndpoint(endpoint) && (endpoint.zone ?? "") === ""),
  );
  if (zoneless) return without(changes, "One or more endpoints do not have a zone specified");
  const hinted = spread(written, allocations, counts);
  if (counts.size === 0) return without(changes, "No hints allocated for zones");
  const created = changes.create.length;
  return {
    create: hinted.slice(0, created),
    update: hinted.slice(created) as EndpointSlice[],
    unchanged: kept,
    zones: counts,
  };
}

function without(changes: Changes, refused: string): Hinted {
  return { ...distributeTraffic(changes, undefined), zones: undefined, refused };
}

function allocate(endpoints: number, shares: ZoneShares | undefined): ReadonlyMap<string, Allocation> | string {
  if (!shares) {
    return "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
  }
  const size = `(${endpoints} endpoints, ${shares.size} zones)`;
  if (shares.size > endpoints) return `Insufficient number of endpoints ${size}`;
  const minima = [...shares].map(([zone, share]) => {
    const wanted = share * endpoints;
    const minimum = Math.ceil(wanted * (1 / (1 + overload)));
    return { zone, minimum, desired: Math.max(wanted, minimum) };
  });
  const spare = endpoints - minima.reduce((sum, { minimum }) => sum + minimum, 0);
  if (spare < 0) {
    return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${size}`;
  }
  return new Map(minima.map(({ zone, minimum, desired }) => [zone, { minimum, desired, maximum: minimum + spare }]));
}

/** Slices whose hints can stay are counted; others are to be written. */
function keepHinted(
  slices: readonly EndpointSlice[],
  allocations: ReadonlyMap<string, Allocation>,
  counts: Map<string, number>,
): { kept: EndpointSlice[]; touched: EndpointSlice[] } {
  const kept: EndpointSlice[] = [];
  const touched: EndpointSlice[] = [];
  for (const slice of slices) {
    const own = countHints(slice);
    const fits = [...(own ?? [])].every(
      ([zone, count]) => count + (counts.get(zone) ?? 0) <= (allocations.get(zone)?.maximum ?? -1),
    );
    if (own === undefined || !fits) {
      touched.push(slice);
      continue;
    }
    kept.push(slice);
    for (const [zone, count] of own) counts.set(zone, (counts.get(zone) ?? 0) + count);
  }
  return { kept, touched };
}

/** @returns undefined where a ready endpoint has no hint */
function countHints({ endpoints }: EndpointSlice): Map<string, number> | undefined {
  const counts = new Map<string, number>();
  for (const { hints } of (endpoints ?? []).filter(isReadyEndpoint)) {
    const zones = hints?.forZones ?? [];
    if (zones.length === 0) return undefined;
    for (const { name } of zones) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** First each endpoint to its own zone, then from zones that have too many to those that have too few. */
function spread<S extends Slice>(
  slices: readonly S[],
  allocations: ReadonlyMap<string, Allocation>,
  counts: Map<string, number>,
): S[] {
  for (const { endpoints } of slices) {
    for (const { zone = "" } of (endpoints ?? []).filter(isReadyEndpoint))
      counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  const { giving, receiving } = balance(allocations, counts);
  const zoneFor = (endpoint: Endpoint): string => {
    const own = endpoint.zone ?? "";
    const [receiver] = [...receiving].sort(byNeed)[0] ?? [];
    if (receiver === undefined || !take(giving, own)) return own;
    take(receiving, receiver);
    counts.set(receiver, (counts.get(receiver) ?? 0) + 1);
    counts.set(own, (counts.get(own) ?? 0) - 1);
    return receiver;
  };
  return slices.map((slice) =>
    withEndpoints(
      slice,
      (slice.endpoints ?? []).map((endpoint) =>
        withHints(endpoint, isReadyEndpoint(endpoint) ? { forZones: [{ name: zoneFor(endpoint) }] } : undefined),
      ),
    ),
  );
}

const byNeed = ([zone, a]: [string, number], [other, b]: [string, number]): number =>
  b - a || (zone < other ? -1 : zone > other ? 1 : 0);

function take(counts: Map<string, number>, zone: string): boolean {
  const left = counts.get(zone) ?? 0;
  if (left === 0) return false;
  if (left === 1) counts.delete(zone);
  else counts.set(zone, left - 1);
  return true;
}

/** Whole endpoints that zones give and receive, of the fractions that they are off by. */
function balance(
  allocations: ReadonlyMap<string, Allocation>,
  counts: ZoneCounts,
): { giving: Map<string, number>; receiving: Map<string, number> } {
  const off = [...allocations].map(([zone, { desired }]): [string, number] => [
    zone,
    (counts.get(zone) ?? 0) - desired,
  ]);
  const surplus = new Map(off.filter(([, by]) => by > 0));
  const need = new Map(off.filter(([, by]) => by < 0).map(([zone, by]) => [zone, -by]));
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const [giver, give] = [...surplus].sort(byNeed)[0] ?? ["", 0];
    const [receiver, receive] = [...need].sort(byNeed)[0] ?? ["", 0];
    if (give < 0.5 || receive < 0.5 || (give < 1 && receive < 1)) return { giving, receiving };
    giving.set(giver, (giving.get(giver) ?? 0) + 1);
    surplus.set(giver, give - 1);
    receiving.set(receiver, (receiving.get(receiver) ?? 0) + 1);
    need.set(receiver, receive - 1);
  }
}

/** Whether changed shares leave a zone with fewer endpoints than it must have. */
export function isOverloaded(counts: ZoneCounts, shares: ZoneShares | undefined): boolean {
  if (counts.size === 0) return false;
  if (!shares) return true;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...shares].some(([zone, share]) => {
    const has = counts.get(zone);
    return has === undefined || has < Math.ceil(total * share * (1 / (1 + overload)));
  });
}
