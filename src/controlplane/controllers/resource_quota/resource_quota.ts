/** Counts what quotas bound. Admission counts along with each write; this corrects what it cannot see. */
import { keyOf, keyText } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import { qualifiedName, resourceTypes } from "../../../api/resource_types.ts";
import type { KubeObject, ResourceQuota } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { isLower, kindsOf, planQuota, usedBy, type Kind } from "./plan.ts";
import { TrackedKinds } from "./tracked_kinds.ts";

const { resourceQuotas } = resourceTypes;
const name = "resourcequota-controller";
/** --resource-quota-sync-period, in ms. */
const resyncMs = 5 * 60 * 1000;
/** What admission counts before a write is there within this time, in ms: a count that is lower is believed after it. */
const settleMs = 500;

export const resourceQuotaController: ControllerRow = {
  name,
  account: "resourcequota-controller",
  make: (context) => new QuotaController(context),
};

class QuotaController implements Controller {
  readonly #context: ControllerContext;
  readonly #quotas: Informer<ResourceQuota>;
  readonly #kinds: TrackedKinds;
  readonly #queue: WorkQueue;
  /** Quotas that seemed to be used less, by the version that was looked at. */
  readonly #doubted = new Map<string, string>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#quotas = context.informers.of(resourceQuotas);
    this.#queue = controllerQueue(context, { name, reconcile: (key) => this.#reconcile(key) });
    this.#kinds = new TrackedKinds(context, (kind, namespace) => this.#onLess(kind, namespace));
    const add = (quota: ResourceQuota): void => this.#queue.add(keyText(keyOf(quota)));
    this.#quotas.subscribe({
      onAdd: add,
      onUpdate: (before, quota) => {
        if (JSON.stringify(before.spec) !== JSON.stringify(quota.spec)) add(quota);
      },
      onDelete: (quota) => this.#doubted.delete(keyText(keyOf(quota))),
    });
  }

  start(): void {
    this.#queue.start();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
    this.#kinds.stop();
  }

  #onLess(kind: Kind, namespace: string): void {
    for (const quota of this.#quotas.objects.inNamespace(namespace)) {
      const counts = kindsOf(quota).some((one) => qualifiedName(one) === qualifiedName(kind));
      if (counts) this.#queue.add(keyText(keyOf(quota)));
    }
  }

  async #reconcile(key: string): Promise<Outcome> {
    const quota = this.#quotas.objects.get(key);
    if (!quota) return undefined;
    const objects = new Map<string, readonly KubeObject[] | undefined>();
    for (const kind of kindsOf(quota)) {
      objects.set(qualifiedName(kind), await this.#kinds.objects(kind, quota.metadata.namespace!));
    }
    // Counted on the quota as it is now: admission may have moved it while lists came.
    const now = this.#quotas.objects.get(key);
    if (!now) return undefined;
    const status = planQuota(
      now,
      usedBy(now, (kind) => objects.get(qualifiedName(kind))),
    );
    if (!status) {
      this.#doubted.delete(key);
      return { againAfterMs: resyncMs };
    }
    const { resourceVersion } = now.metadata;
    if (isLower(now, status) && this.#doubted.get(key) !== resourceVersion) {
      this.#doubted.set(key, resourceVersion);
      return { againAfterMs: settleMs };
    }
    this.#doubted.delete(key);
    const written = { ...now, status };
    await this.#quotas.saw(await this.#context.client.update(resourceQuotas, written, { subresource: "status" }));
    return { againAfterMs: resyncMs };
  }
}
