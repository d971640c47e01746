/**
 * How many nodes may be emptied at a time: slower where much of a zone is silent, for then it is rather the network
 * than the nodes (upstream: handleDisruption). Pure.
 */
import type { Node } from "../../../model/kubernetes.ts";

export type ZoneState = "Initial" | "Normal" | "PartialDisruption" | "FullDisruption";

/** --node-eviction-rate and --secondary-node-eviction-rate, nodes a second. */
const rate = 0.1;
const secondaryRate = 0.01;
/** --large-cluster-size-threshold and --unhealthy-zone-threshold */
const largeZone = 50;
const unhealthyPart = 0.55;

export function zoneOf({ metadata: { labels = {} } }: Node): string {
  const { "topology.kubernetes.io/region": region = "", "topology.kubernetes.io/zone": zone = "" } = labels;
  return region === "" && zone === "" ? "" : `${region}:\0:${zone}`;
}

/** Those that an operator takes out of the count. */
export function countsForZone({ metadata }: Node): boolean {
  return metadata.labels?.["node.kubernetes.io/exclude-disruption"] === undefined;
}

/** @param ready status of the Ready condition of each node of a zone; undefined where there is none */
export function zoneState(ready: readonly (string | undefined)[]): ZoneState {
  const silent = ready.filter((status) => status !== "True").length;
  if (silent > 0 && silent === ready.length) return "FullDisruption";
  return silent > 2 && silent / ready.length >= unhealthyPart ? "PartialDisruption" : "Normal";
}

function rateOf(state: ZoneState, size: number): number {
  if (state !== "PartialDisruption") return rate;
  return size > largeZone ? secondaryRate : 0;
}

export interface DisruptionPlan {
  readonly states: ReadonlyMap<string, ZoneState>;
  /** Nodes a second, of zones where it changes. */
  readonly rates: ReadonlyMap<string, number>;
  /** No node anywhere is ready: it is ours to doubt ourselves, and no pod is to leave. */
  readonly stopsAll: boolean;
  /** Some are ready again: every node has its whole grace period anew. */
  readonly forgives: boolean;
}

export function planDisruption(
  zones: ReadonlyMap<string, readonly (string | undefined)[]>,
  before: ReadonlyMap<string, ZoneState>,
): DisruptionPlan {
  const found = new Map([...zones].map(([zone, ready]) => [zone, zoneState(ready)]));
  const isAll = (states: Iterable<ZoneState>): boolean => [...states].every((state) => state === "FullDisruption");
  const areAll = isAll(found.values());
  const known = [...zones.keys()].map((zone): ZoneState => before.get(zone) ?? "Initial");
  const wereAll = isAll(known);
  if (areAll && wereAll) return { states: found, rates: new Map(), stopsAll: false, forgives: false };
  if (areAll) return { states: found, rates: rates(found.keys(), () => 0), stopsAll: true, forgives: false };
  const changed = wereAll
    ? [...found.keys()]
    : [...found.keys()].filter((zone) => before.get(zone) !== found.get(zone));
  const newRates = rates(changed, (zone) => rateOf(found.get(zone)!, zones.get(zone)!.length));
  return { states: found, rates: newRates, stopsAll: false, forgives: wereAll };
}

function rates(zones: Iterable<string>, of: (zone: string) => number): ReadonlyMap<string, number> {
  return new Map([...zones].map((zone) => [zone, of(zone)]));
}
