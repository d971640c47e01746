/** Says that ServiceCIDRs are ready, and keeps those from going that Services' addresses are of (KEP-1880). */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { IPAddress, ServiceCIDR } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { finalizer, holds, overlap, planServiceCidr, type ServiceCidrStep } from "./plan.ts";

const { serviceCidrs, ipAddresses } = resourceTypes;
const name = "service-cidr-controller";

export const serviceCidrController: ControllerRow = {
  name,
  account: "service-cidrs-controller",
  make: (context) => new ServiceCidrController(context),
};

class ServiceCidrController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = controllerQueue(context, { name, reconcile: (key) => this.#reconcile(key) });
    const onCidr = (cidr: ServiceCIDR): void => this.#addWhere((other) => overlap(cidr, other));
    context.informers.of(serviceCidrs).subscribe({
      onAdd: onCidr,
      onUpdate: (_, cidr) => onCidr(cidr),
      onDelete: onCidr,
    });
    // One that waits for its addresses may go with the last of them.
    const onAddress = (address: IPAddress): void =>
      this.#addWhere((cidr) => cidr.metadata.deletionTimestamp !== undefined && holds(cidr, address));
    context.informers.of(ipAddresses).subscribe({ onDelete: onAddress });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  #addWhere(concerns: (cidr: ServiceCIDR) => boolean): void {
    for (const cidr of this.#context.informers.of(serviceCidrs).objects.values()) {
      if (concerns(cidr)) this.#queue.add(cidr.metadata.name);
    }
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { informers, clock } = this.#context;
    const cidrs = informers.of(serviceCidrs).objects;
    let cidr = cidrs.get(key);
    if (!cidr) return undefined;
    const plan = planServiceCidr(
      cidr,
      [...cidrs.values()],
      [...informers.of(ipAddresses).objects.values()],
      clock.now(),
    );
    for (const step of plan.steps) cidr = await this.#apply(cidr, step);
    return plan.againAfterMs === undefined ? undefined : { againAfterMs: plan.againAfterMs };
  }

  async #apply(cidr: ServiceCIDR, step: ServiceCidrStep): Promise<ServiceCIDR> {
    const { client } = this.#context;
    if (step.type === "writeStatus") {
      return client.update(serviceCidrs, { ...cidr, status: step.status }, { subresource: "status" });
    }
    const others = (cidr.metadata.finalizers ?? []).filter((one) => one !== finalizer);
    const finalizers = step.type === "addFinalizer" ? [...others, finalizer] : others;
    return client.update(serviceCidrs, { ...cidr, metadata: { ...cidr.metadata, finalizers } });
  }
}
