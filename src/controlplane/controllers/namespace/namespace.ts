/** Empties namespaces that are being deleted, and lets them go (upstream: pkg/controller/namespace). */
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Namespace } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { removeContent } from "./content.ts";
import { isOurs, planNamespace, terminatingStatus, type NamespaceStep } from "./plan.ts";

const { namespaces, pods } = resourceTypes;
const name = "namespace-controller";
/**
 * Before a namespace is emptied, in ms: other API servers of the same store may not have seen yet that it is
 * going, and let something in. Upstream gives them 5 s; the caches here are behind by the time of one watch event.
 */
const observedAfterMs = 250;
/** --concurrent-namespace-syncs */
const workers = 10;

export const namespaceController: ControllerRow = {
  name,
  account: "namespace-controller",
  make: (context) => new NamespaceController(context),
};

class NamespaceController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#queue = controllerQueue(context, { name, workers, reconcile: (key) => this.#reconcile(key) });
    const onChange = (namespace: Namespace): void => {
      if (isOurs(namespace)) this.#queue.addAfter(namespace.metadata.name, observedAfterMs);
    };
    const informer = context.informers.of(namespaces);
    informer.subscribe({ onAdd: onChange, onUpdate: (_, namespace) => onChange(namespace) });
    // The last pod is gone before its grace period ends, mostly: nothing need wait for it.
    const podInformer = context.informers.of(pods);
    podInformer.subscribe({
      onDelete: ({ metadata }) => {
        const of = informer.objects.get(metadata.namespace!);
        if (of && isOurs(of) && podInformer.objects.inNamespace(of.metadata.name).length === 0) {
          this.#queue.add(of.metadata.name);
        }
      },
    });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  async #reconcile(key: string): Promise<Outcome> {
    const { client, clock } = this.#context;
    let namespace = await client.get(namespaces, { name: key }).catch(absent);
    if (!namespace) return undefined;
    const status = terminatingStatus(namespace);
    if (status) namespace = await client.update(namespaces, { ...namespace, status }, { subresource: "status" });
    if (!isOurs(namespace)) return undefined;
    const { progress, podSeconds } = await removeContent(client, namespace, clock.now());
    const plan = planNamespace(namespace, progress, podSeconds, clock.now());
    for (const step of plan.steps) namespace = await this.#apply(namespace, step);
    if (plan.error !== undefined) throw new Error(plan.error);
    return plan.againAfterMs === undefined ? undefined : { againAfterMs: plan.againAfterMs };
  }

  /** Another writer's change in between is a conflict, and the whole is done anew. */
  async #apply(namespace: Namespace, step: NamespaceStep): Promise<Namespace> {
    const { client } = this.#context;
    if (step.type === "writeStatus") {
      return client.update(namespaces, { ...namespace, status: step.status }, { subresource: "status" });
    }
    const spec = { ...namespace.spec, finalizers: step.finalizers };
    await client.update(namespaces, { ...namespace, spec }, { subresource: "finalize" }).catch(absent);
    return namespace;
  }
}

function absent(error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  throw error;
}
