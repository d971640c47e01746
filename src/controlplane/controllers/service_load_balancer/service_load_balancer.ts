/** Gives Services of type LoadBalancer addresses of the operator's pool. */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import type { StoredIndex } from "../../../api/object_store.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Service } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { familyOfIp } from "../../../model/cidr.ts";
import type { IpFamily } from "../../../model/service.ts";
import { addressesOf, holdsAddress, plan, wantsAddress, type Step } from "./plan.ts";
import { parsePool, type Pool } from "./pool.ts";

export const serviceLoadBalancerController: ControllerRow = {
  name: "service-lb-controller",
  account: "service-controller",
  make: (context) => new ServiceLoadBalancer(context),
};

/** What is given out is what the Services' statuses say: after a restart it is known from the store. */
class ServiceLoadBalancer implements Controller {
  readonly #context: ControllerContext;
  readonly #services: Informer<Service>;
  readonly #pool: Pool;
  /** One at a time, so that no address is given twice. */
  readonly #queue: WorkQueue;
  readonly #holders: StoredIndex<Service>;
  readonly #waiting: StoredIndex<Service>;
  readonly #last = new Map<IpFamily, string>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#pool = parsePool(context.options.loadBalancerPool);
    this.#services = context.informers.of(resourceTypes.services);
    const { name } = serviceLoadBalancerController;
    this.#queue = controllerQueue(context, { name, workers: 1, reconcile: (key) => this.#reconcile(key) });
    this.#holders = this.#services.objects.addIndex((one) => (holdsAddress(one) ? addressesOf(one) : []));
    this.#waiting = this.#services.objects.addIndex((one) => {
      return wantsAddress(one) && addressesOf(one).length < (one.spec.ipFamilies?.length ?? 1) ? ["waiting"] : [];
    });
    const add = (service: Service): void => {
      if (holdsAddress(service)) this.#queue.add(keyText(keyOf(service)));
    };
    const freed = (previous: Service): void => {
      if (holdsAddress(previous) && addressesOf(previous).length > 0) this.#waiting.get("waiting").forEach(add);
    };
    this.#services.subscribe({
      onAdd: add,
      onUpdate: (previous, service) => {
        add(service);
        if (addressesOf(previous).join() !== addressesOf(service).join()) freed(previous);
      },
      onDelete: freed,
    });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const service = this.#services.objects.get(key);
    if (!service) return undefined;
    const holders = (address: string): readonly Service[] => this.#holders.get(address);
    let now = service;
    for (const step of plan({ service, pool: this.#pool, holders, last: this.#last })) {
      now = await this.#apply(now, step);
    }
    return undefined;
  }

  async #apply(service: Service, step: Step): Promise<Service> {
    const { client, events } = this.#context;
    switch (step.kind) {
      case "event":
        events.event(service, step.event.type, step.event.reason, step.event.message);
        return service;
      case "ingress": {
        for (const { ip } of step.ingress) if (ip !== undefined) this.#last.set(familyOfIp(ip), ip);
        const loadBalancer = step.ingress.length === 0 ? {} : { ingress: step.ingress };
        const changed = { ...service, status: { ...service.status, loadBalancer } };
        return this.#seen(await client.update(resourceTypes.services, changed, { subresource: "status" }));
      }
      case "finalizers": {
        const { finalizers } = step;
        const changed = { ...service, metadata: { ...service.metadata, finalizers } };
        try {
          return await this.#seen(await client.update(resourceTypes.services, changed));
        } catch (error) {
          if (isNotFound(error)) return service;
          throw error;
        }
      }
    }
  }

  /** @throws where the informer does not show what was written: the next plan must know it */
  async #seen(written: Service): Promise<Service> {
    if (await this.#services.saw(written)) return written;
    throw new Error(`own write of Service ${keyText(keyOf(written))} is not seen yet`);
  }
}
