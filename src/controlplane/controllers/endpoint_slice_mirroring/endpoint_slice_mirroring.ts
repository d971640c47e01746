/** Mirrors custom Endpoints into EndpointSlices (upstream: pkg/controller/endpointslicemirroring). */
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { EndpointSlice, KubeObject } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { managedByLabel, serviceKeyOf } from "../endpoint_slice/slice.ts";
import { controllerQueue } from "../queue.ts";
import { applySlice } from "../endpoint_slice/apply.ts";
import { managedBy, plan } from "./plan.ts";

/** Changes of slices that somebody else makes are put right together, in ms. */
const sliceChangeDelayMs = 1000;

export const endpointSliceMirroringController: ControllerRow = {
  name: "endpointslice-mirroring-controller",
  account: "endpointslicemirroring-controller",
  make: (context) => new EndpointSliceMirroring(context),
};

class EndpointSliceMirroring implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #slices;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { informers } = context;
    this.#queue = controllerQueue(context, {
      name: endpointSliceMirroringController.name,
      reconcile: (key) => this.#reconcile(key),
    });
    const slices = informers.of(resourceTypes.endpointSlices);
    this.#slices = slices.objects.addIndex((slice) => {
      const key = mirroredKey(slice);
      return key === undefined ? [] : [key];
    });
    const add = (object: KubeObject): void => this.#queue.add(keyText(keyOf(object)));
    const hasSelector = (selector: object | undefined): boolean => Object.keys(selector ?? {}).length > 0;
    informers.of(resourceTypes.services).subscribe({
      onAdd: add,
      onUpdate: (previous, service) => {
        if (hasSelector(previous.spec.selector) !== hasSelector(service.spec.selector)) add(service);
      },
      onDelete: add,
    });
    informers.of(resourceTypes.endpoints).subscribe({ onAdd: add, onUpdate: (_, one) => add(one), onDelete: add });
    const later = (slice: EndpointSlice): void => {
      const key = mirroredKey(slice);
      if (key !== undefined) this.#queue.addAfter(key, sliceChangeDelayMs);
    };
    slices.subscribe({
      onUpdate: (previous, slice) => {
        later(previous);
        later(slice);
      },
      onDelete: later,
    });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { informers, events } = this.#context;
    const endpoints = informers.of(resourceTypes.endpoints).objects.get(key);
    const steps = plan({
      endpoints,
      service: informers.of(resourceTypes.services).objects.get(key),
      slices: this.#slices.get(key).filter(({ metadata }) => metadata.deletionTimestamp === undefined),
    });
    for (const step of steps) {
      if (step.kind === "event") events.event(endpoints!, "Warning", step.reason, step.message);
      else await applySlice(this.#context, step);
    }
    return undefined;
  }
}

function mirroredKey(slice: EndpointSlice): string | undefined {
  return slice.metadata.labels?.[managedByLabel] === managedBy ? serviceKeyOf(slice) : undefined;
}
