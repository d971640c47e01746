/** Deletes pods from nodes whose taints they do not tolerate, or not for longer. */
import { keyOf, keyText, parseKey } from "../../../api/client.ts";
import type { Informer } from "../../../api/informer.ts";
import type { Index } from "../../../api/object_store.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Node, Pod } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { podsByNode } from "../pods/by_node.ts";
import { conditionPatch } from "../pods/conditions.ts";
import { controllerQueue } from "../queue.ts";
import { disruptionCondition, evictingTaints, planDeparture, type Departure } from "./plan.ts";

const { nodes, pods } = resourceTypes;
const name = "taint-eviction-controller";
const workers = 8;

export const taintEvictionController: ControllerRow = {
  name,
  account: "node-controller",
  component: name,
  make: (context) => new TaintEviction(context),
};

class TaintEviction implements Controller {
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #byNode: Index<Pod>;
  readonly #queue: WorkQueue;
  /** Pods that are to leave. */
  readonly #departures = new Map<string, Departure>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#nodes = context.informers.of(nodes);
    this.#pods = context.informers.of(pods);
    this.#byNode = podsByNode(this.#pods);
    this.#queue = controllerQueue(context, { name, workers, reconcile: (key) => this.#reconcile(key) });
    this.#nodes.subscribe({
      onAdd: (node) => this.#onTaints(undefined, node),
      onUpdate: (before, node) => this.#onTaints(before, node),
      onDelete: (node) => this.#onTaints(node, undefined),
    });
    this.#pods.subscribe({
      onAdd: (pod) => this.#onPod(undefined, pod),
      onUpdate: (before, pod) => this.#onPod(before, pod),
      onDelete: (pod) => this.#cancel(keyText(keyOf(pod))),
    });
  }

  start(): void {
    this.#queue.start();
  }

  stop(): Promise<void> {
    return this.#queue.stop();
  }

  #onTaints(before: Node | undefined, node: Node | undefined): void {
    if (JSON.stringify(evictingTaints(before)) === JSON.stringify(evictingTaints(node))) return;
    const of = (node ?? before)!.metadata.name;
    for (const pod of this.#byNode.get(of)) this.#queue.add(keyText(keyOf(pod)));
  }

  #onPod(before: Pod | undefined, pod: Pod): void {
    if (!pod.spec.nodeName) return;
    const isSame =
      before?.spec.nodeName === pod.spec.nodeName && before.spec.tolerations?.length === pod.spec.tolerations?.length;
    const isTainted = evictingTaints(this.#nodes.objects.get(pod.spec.nodeName)).length > 0;
    if (!isSame && (isTainted || before)) this.#queue.add(keyText(keyOf(pod)));
  }

  async #reconcile(key: string): Promise<Outcome> {
    const pod = this.#pods.objects.get(key);
    if (!pod || pod.metadata.deletionTimestamp !== undefined) {
      this.#departures.delete(key);
      return undefined;
    }
    const nowMs = this.#context.clock.now();
    const taints = evictingTaints(this.#nodes.objects.get(pod.spec.nodeName ?? ""));
    const departure = planDeparture(pod, taints, this.#departures.get(key), nowMs);
    if (!departure) {
      this.#cancel(key);
      return undefined;
    }
    this.#departures.set(key, departure);
    if (departure.dueMs > nowMs) return { againAfterMs: departure.dueMs - nowMs };
    await this.#evict(pod, key, nowMs);
    this.#departures.delete(key);
    return undefined;
  }

  async #evict(pod: Pod, key: string, nowMs: number): Promise<void> {
    const { client } = this.#context;
    this.#tell(key, `Marking for deletion Pod ${key}`);
    try {
      const body = conditionPatch(pod, disruptionCondition, nowMs);
      if (body) await client.patch(pods, keyOf(pod), { type: "strategic", body }, { subresource: "status" });
      await client.delete(pods, keyOf(pod), { preconditions: { uid: pod.metadata.uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #cancel(key: string): void {
    if (this.#departures.delete(key)) this.#tell(key, `Cancelling deletion of Pod ${key}`);
  }

  #tell(key: string, message: string): void {
    const about = { apiVersion: "v1", kind: "Pod", metadata: parseKey(key) };
    const { namespace, name: of } = about.metadata;
    const metadata = { name: of, ...(namespace === undefined ? {} : { namespace }) };
    this.#context.events.event({ ...about, metadata }, "Normal", "TaintManagerEviction", message);
  }
}
