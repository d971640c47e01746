/** Keeps the EndpointSlices of Services with selectors (upstream: pkg/controller/endpointslice). */
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { EndpointSlice, Node } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { applySlice } from "./apply.ts";
import { onEndpointPods, serviceMembership } from "../services/membership.ts";
import { TriggerTimes } from "../services/trigger_time.ts";
import type { AddressType } from "./endpoint.ts";
import { plan } from "./plan.ts";
import { isManaged, serviceKeyOf } from "./slice.ts";
import { isOverloaded, isTopologyAware, zoneShares, type ZoneCounts, type ZoneShares } from "./topology.ts";

/** Changes of slices that somebody else makes are put right together, in ms. */
const sliceChangeDelayMs = 1000;
/** Changes of nodes are looked at together, in ms. */
const nodeChangeDelayMs = 1000;

export const endpointSliceController: ControllerRow = {
  name: "endpointslice-controller",
  account: "endpointslice-controller",
  make: (context) => new EndpointSlices(context),
};

class EndpointSlices implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #triggers = new TriggerTimes();
  /** Services with hints by the annotation. */
  readonly #zones = new Map<string, ReadonlyMap<AddressType, ZoneCounts>>();
  readonly #slices;
  #shares: ZoneShares | undefined;
  #sharesKnown = false;
  #cancelNodes: (() => void) | undefined;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { informers } = context;
    this.#queue = controllerQueue(context, {
      name: endpointSliceController.name,
      reconcile: (key) => this.#reconcile(key),
    });
    const slices = informers.of(resourceTypes.endpointSlices);
    this.#slices = slices.objects.addIndex((slice) => {
      const key = serviceKeyOf(slice);
      return key === undefined || !isManaged(slice) ? [] : [key];
    });
    const add = (key: string): void => this.#queue.add(key);
    informers.of(resourceTypes.services).subscribe({
      onAdd: (service) => add(keyText(keyOf(service))),
      onUpdate: (_, service) => add(keyText(keyOf(service))),
      onDelete: (service) => add(keyText(keyOf(service))),
    });
    onEndpointPods(informers, add);
    const later = (slice: EndpointSlice): void => {
      const key = serviceKeyOf(slice);
      if (key !== undefined && isManaged(slice)) this.#queue.addAfter(key, sliceChangeDelayMs);
    };
    slices.subscribe({
      onUpdate: (previous, slice) => {
        later(previous);
        later(slice);
      },
      onDelete: later,
    });
    const onNode = (): void => this.#nodesChanged();
    const onNodeUpdate = (previous: Node, node: Node): void => {
      if (zoneFacts(previous) !== zoneFacts(node)) onNode();
    };
    informers.of(resourceTypes.nodes).subscribe({ onAdd: onNode, onDelete: onNode, onUpdate: onNodeUpdate });
  }

  start(): void {
    this.#queue.start();
  }

  async stop(): Promise<void> {
    this.#cancelNodes?.();
    await this.#queue.stop();
  }

  /** Services whose zones have too few endpoints by the new shares are looked at again. */
  #nodesChanged(): void {
    this.#sharesKnown = false;
    if (this.#cancelNodes) return;
    this.#cancelNodes = this.#context.clock.after(nodeChangeDelayMs, () => {
      this.#cancelNodes = undefined;
      const shares = this.#currentShares();
      for (const [key, types] of this.#zones) {
        if ([...types.values()].some((counts) => isOverloaded(counts, shares))) this.#queue.add(key);
      }
    });
  }

  #currentShares(): ZoneShares | undefined {
    if (!this.#sharesKnown) {
      this.#shares = zoneShares(this.#context.informers.of(resourceTypes.nodes).objects.values());
      this.#sharesKnown = true;
    }
    return this.#shares;
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { informers } = this.#context;
    const service = informers.of(resourceTypes.services).objects.get(key);
    if (!service) {
      // The garbage collector takes the slices.
      this.#triggers.forget(key);
      this.#zones.delete(key);
      return undefined;
    }
    const pods = serviceMembership(informers).podsOf(service);
    const nodes = informers.of(resourceTypes.nodes).objects;
    const { steps, zones, missing } = plan({
      service,
      pods,
      node: (name) => nodes.get(name),
      slices: this.#slices.get(key).filter(({ metadata }) => metadata.deletionTimestamp === undefined),
      triggerTime: this.#triggers.next(key, service, pods),
      shares: isTopologyAware(service) ? this.#currentShares() : undefined,
      hinted: new Set(this.#zones.get(key)?.keys()),
    });
    if (zones.size > 0) this.#zones.set(key, zones);
    else this.#zones.delete(key);
    for (const step of steps) {
      if (step.kind === "event") this.#context.events.event(service, step.type, step.reason, step.message);
      else await applySlice(this.#context, step);
    }
    const [pod] = missing;
    if (pod)
      throw new Error(
        `skipping Pod ${pod.metadata.name} for Service ${key}: Node ${pod.spec.nodeName ?? ""} Not Found`,
      );
    return undefined;
  }
}

/** What of a node decides about the zones' shares. */
function zoneFacts({ metadata, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status;
  return JSON.stringify([metadata.labels, status?.allocatable?.["cpu"], ready]);
}
