/** Keeps the Endpoints of Services with selectors, for readers that know no EndpointSlices (upstream: pkg/controller/endpoint). */
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNamespaceTerminating, isNotFound } from "../../../api/status_error.ts";
import type { KubeObject } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { onEndpointPods, serviceMembership } from "../services/membership.ts";
import { TriggerTimes } from "../services/trigger_time.ts";
import { plan, type Step } from "./plan.ts";

export const endpointsController: ControllerRow = {
  name: "endpoints-controller",
  account: "endpoint-controller",
  make: (context) => new EndpointsController(context),
};

class EndpointsController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #triggers = new TriggerTimes();
  #started = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    const { informers } = context;
    this.#queue = controllerQueue(context, {
      name: endpointsController.name,
      reconcile: (key) => this.#reconcile(key),
    });
    const add = (object: KubeObject): void => this.#queue.add(keyText(keyOf(object)));
    informers
      .of(resourceTypes.services)
      .subscribe({ onAdd: add, onUpdate: (_, service) => add(service), onDelete: add });
    // At the start, what is there may be left of Services that went meanwhile.
    const atStart = (object: KubeObject): void => {
      if (!this.#started) add(object);
    };
    informers.of(resourceTypes.endpoints).subscribe({ onAdd: atStart, onDelete: add });
    onEndpointPods(informers, (key) => this.#queue.add(key));
  }

  start(): void {
    this.#started = true;
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { informers } = this.#context;
    const service = informers.of(resourceTypes.services).objects.get(key);
    const pods = service ? serviceMembership(informers).podsOf(service) : [];
    if (!service) this.#triggers.forget(key);
    const steps = plan({
      service,
      pods,
      endpoints: informers.of(resourceTypes.endpoints).objects.get(key),
      triggerTime: service && this.#triggers.next(key, service, pods),
    });
    for (const step of steps) await this.#apply(step);
    return undefined;
  }

  async #apply(step: Step): Promise<void> {
    const { client, informers, events } = this.#context;
    const type = resourceTypes.endpoints;
    const informer = informers.of(type);
    const { namespace = "", name = "" } = step.endpoints.metadata;
    try {
      if (step.kind === "create") await informer.saw(await client.create(type, step.endpoints));
      else if (step.kind === "update") await informer.saw(await client.update(type, step.endpoints));
      else await client.delete(type, keyOf(step.endpoints));
    } catch (error) {
      if (isNamespaceTerminating(error) || (step.kind === "delete" && isNotFound(error))) return;
      const about = { apiVersion: "v1", kind: "Endpoints", metadata: { namespace, name } };
      const why = (error as Error).message;
      if (step.kind === "create") {
        events.event(
          about,
          "Warning",
          "FailedToCreateEndpoint",
          `Failed to create endpoint for service ${namespace}/${name}: ${why}`,
        );
      } else if (step.kind === "update") {
        events.event(
          about,
          "Warning",
          "FailedToUpdateEndpoint",
          `Failed to update endpoint ${namespace}/${name}: ${why}`,
        );
      }
      throw error;
    }
  }
}
