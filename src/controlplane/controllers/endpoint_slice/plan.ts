/**
 * The EndpointSlices that a Service with a selector should have, and the writes that lead there
 * (staging/src/k8s.io/endpointslice/reconciler.go).
 */
import type { EndpointSlice, Node, Pod, Service } from "../../../model/kubernetes.ts";
import { belongsToEndpoints, familiesOf, isSelecting } from "../services/endpoint_pod.ts";
import { withTriggerTime } from "../services/trigger_time.ts";
import {
  endpointOf,
  hasFixedPorts,
  portsKey,
  portsOf,
  type AddressType,
  type Endpoint,
  type EndpointPort,
} from "./endpoint.ts";
import { distributeTraffic, trafficDistributionOf, type Changes } from "./hints.ts";
import { pack } from "./pack.ts";
import { isOwnedBy, labelsOf, newSlice, type Slice, type SliceStep } from "./slice.ts";
import { addTopologyHints, isTopologyAware, type ZoneCounts, type ZoneShares } from "./topology.ts";

export type Step =
  | SliceStep
  | { readonly kind: "event"; readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string };

export interface Observed {
  readonly service: Service;
  /** All that the selector selects. */
  readonly pods: readonly Pod[];
  readonly node: (name: string) => Node | undefined;
  /** This controller's slices of the Service, without those that are being deleted. */
  readonly slices: readonly EndpointSlice[];
  /** When what is seen now changed, as RFC 3339. */
  readonly triggerTime?: string | undefined;
  readonly shares?: ZoneShares | undefined;
  /** Address types that have hints by the annotation. */
  readonly hinted?: ReadonlySet<AddressType>;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** By address type, what hints by the annotation give to each zone. */
  readonly zones: ReadonlyMap<AddressType, ZoneCounts>;
  /** Pods left out because their node is not there (yet): try again. */
  readonly missing: readonly Pod[];
}

export function plan(observed: Observed): Plan {
  const { service, slices } = observed;
  // Slices of a Service that selects no more would go on taking traffic where nobody keeps them right.
  if (!isSelecting(service)) return { steps: slices.map(remove), zones: new Map(), missing: [] };
  const types = familiesOf(service);
  const { placed, missing } = placePods(observed);
  const zones = new Map<AddressType, ZoneCounts>();
  const steps: Step[] = types.flatMap((type) => planType({ ...observed, pods: placed }, type, zones));
  const foreign = slices.filter(({ addressType }) => !types.includes(addressType as AddressType));
  return { steps: [...steps, ...foreign.map(remove)], zones, missing };
}

const remove = (slice: EndpointSlice): Step => ({ kind: "delete", slice });

function placePods({ pods, node, service }: Observed): { placed: Pod[]; missing: Pod[] } {
  const placed: Pod[] = [];
  const missing: Pod[] = [];
  for (const pod of pods.filter((one) => belongsToEndpoints(one, true))) {
    const isPlaced = service.spec.publishNotReadyAddresses === true || node(pod.spec.nodeName ?? "") !== undefined;
    (isPlaced ? placed : missing).push(pod);
  }
  return { placed, missing };
}

function planType(observed: Observed, type: AddressType, zones: Map<AddressType, ZoneCounts>): Step[] {
  const { service } = observed;
  const existing = observed.slices.filter(({ addressType }) => addressType === type);
  const { create, update, gone } = packAll(observed, type, existing);
  const changed = new Set([...update, ...gone].map(({ metadata }) => metadata.name));
  const unchanged = existing.filter(({ metadata }) => !changed.has(metadata.name));
  const { changes, events } = hint(observed, type, { create, update, unchanged }, zones);
  return [...writes(service, type, changes, gone, observed.triggerTime), ...events];
}

function packAll(
  { service, pods, node }: Observed,
  type: AddressType,
  existing: readonly EndpointSlice[],
): { create: Slice[]; update: EndpointSlice[]; gone: EndpointSlice[] } {
  const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  const fixed = pods[0] && hasFixedPorts(service) ? portsOf(service, pods[0]) : undefined;
  const fixedKey = fixed && portsKey(fixed);
  for (const pod of pods) {
    const ports = fixed ?? portsOf(service, pod);
    const key = fixedKey ?? portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    const endpoint = endpointOf(pod, node(pod.spec.nodeName ?? ""), service, type);
    if (endpoint) group.endpoints.push(endpoint);
  }
  const owned = existing.filter((slice) => isOwnedBy(slice, service));
  const gone = existing.filter((slice) => !owned.includes(slice) || !groups.has(portsKey(slice.ports)));
  const create: Slice[] = [];
  const update: EndpointSlice[] = [];
  const ofPorts = (key: string): EndpointSlice[] => owned.filter((slice) => portsKey(slice.ports) === key);
  for (const [key, { ports, endpoints }] of groups) {
    const packed = pack({ service, addressType: type, ports, endpoints, existing: ofPorts(key) });
    create.push(...packed.create);
    update.push(...packed.update);
    gone.push(...packed.remove);
  }
  if (existing.length === gone.length && create.length === 0) keepPlaceholder(service, type, create, gone);
  return { create, update, gone };
}

/** A Service without endpoints has one empty slice, so that it differs from one that nobody has looked at. */
function keepPlaceholder(service: Service, type: AddressType, create: Slice[], gone: EndpointSlice[]): void {
  const [only, ...others] = gone;
  const isPlaceholder =
    only !== undefined &&
    others.length === 0 &&
    isOwnedBy(only, service) &&
    (only.endpoints ?? []).length === 0 &&
    (only.ports ?? []).length === 0 &&
    sameLabels(only, service);
  if (isPlaceholder) gone.length = 0;
  else create.push(newSlice(service, type, []));
}

function sameLabels({ metadata }: EndpointSlice, service: Service): boolean {
  const wanted = labelsOf(service);
  const has = metadata.labels ?? {};
  const keys = Object.keys(wanted);
  return keys.length === Object.keys(has).length && keys.every((key) => has[key] === wanted[key]);
}

function hint(
  { service, shares, hinted = new Set() }: Observed,
  type: AddressType,
  changes: Changes,
  zones: Map<AddressType, ZoneCounts>,
): { changes: Changes; events: Step[] } {
  const event = (level: "Normal" | "Warning", reason: string, message: string): Step => {
    return { kind: "event", type: level, reason, message: `${message}, addressType: ${type}` };
  };
  if (!isTopologyAware(service)) {
    const events = hinted.has(type)
      ? [event("Warning", "TopologyAwareHintsDisabled", "Topology Aware Hints has been disabled")]
      : [];
    return { changes: distributeTraffic(changes, trafficDistributionOf(service)), events };
  }
  const { zones: counts, refused, ...rest } = addTopologyHints(changes, shares);
  if (refused !== undefined)
    return { changes: rest, events: [event("Warning", "TopologyAwareHintsDisabled", refused)] };
  zones.set(type, counts!);
  if (hinted.has(type)) return { changes: rest, events: [] };
  return {
    changes: rest,
    events: [event("Normal", "TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled")],
  };
}

/** A slice that would go is written anew in the place of one that would be made. */
function writes(
  service: Service,
  type: AddressType,
  { create, update }: Changes,
  gone: readonly EndpointSlice[],
  triggerTime: string | undefined,
): Step[] {
  const created = [...create];
  const updated = [...update];
  const removed = gone.filter((slice) => {
    if (!isOwnedBy(slice, service) || slice.addressType !== type) return true;
    const next = created.pop();
    if (!next) return true;
    const { labels = {}, ownerReferences = [] } = next.metadata;
    updated.push({ ...slice, ...next, metadata: { ...slice.metadata, labels, ownerReferences } });
    return false;
  });
  // While the Service goes, the garbage collector takes its slices: none is made in their place.
  const making = service.metadata.deletionTimestamp === undefined ? created : [];
  const stamped = <S extends Slice>(slice: S): S => ({
    ...slice,
    metadata: { ...slice.metadata, annotations: withTriggerTime(slice.metadata.annotations, triggerTime) },
  });
  return [
    ...making.map((slice): Step => ({ kind: "create", slice: stamped(slice) })),
    ...updated.map((slice): Step => ({ kind: "update", slice: stamped(slice) })),
    ...removed.map(remove),
  ];
}
