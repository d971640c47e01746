/** Nodes that fall silent or say that they are unwell (upstream: pkg/controller/nodelifecycle). */
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { Node, Pod } from "../../../model/kubernetes.ts";
import type { Outcome, WorkQueue } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { NodeMonitor } from "./monitor.ts";
import { NodeWrites } from "./node_writes.ts";
import { missingLabels, schedulingTaints } from "./taints.ts";

const { nodes, pods } = resourceTypes;
const name = "node-lifecycle-controller";
const workers = 8;
/** How often it is looked whether a node may be emptied, in ms. */
const evictionMs = 100;

export const nodeLifecycleController: ControllerRow = {
  name,
  account: "node-controller",
  make: (context) => new NodeLifecycle(context),
};

class NodeLifecycle implements Controller {
  readonly #context: ControllerContext;
  readonly #writes: NodeWrites;
  readonly #monitor: NodeMonitor;
  readonly #changedNodes: WorkQueue;
  readonly #boundPods: WorkQueue;
  readonly #cancels = new Map<string, () => void>();
  readonly #running = new Set<Promise<void>>();
  #stopped = false;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#writes = new NodeWrites(context);
    this.#monitor = new NodeMonitor(context, this.#writes);
    this.#changedNodes = controllerQueue(context, { name, workers, reconcile: (key) => this.#onNode(key) });
    this.#boundPods = controllerQueue(context, { name, workers, reconcile: (key) => this.#onPod(key) });
    const onNode = ({ metadata }: Node): void => this.#changedNodes.add(metadata.name);
    context.informers.of(nodes).subscribe({ onAdd: onNode, onUpdate: (_, node) => onNode(node) });
    const onPod = (pod: Pod): void => {
      if (pod.spec.nodeName && this.#monitor.isNotReady(pod.spec.nodeName)) this.#boundPods.add(keyText(keyOf(pod)));
    };
    context.informers.of(pods).subscribe({
      onAdd: onPod,
      onUpdate: (before, pod) => before.spec.nodeName !== pod.spec.nodeName && onPod(pod),
    });
  }

  start(): void {
    this.#changedNodes.start();
    this.#boundPods.start();
    this.#repeat("monitor", this.#context.options.nodeMonitorPeriodMs, () => this.#monitor.pass());
    this.#repeat("eviction", evictionMs, () => this.#monitor.evict());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancels.values()) cancel();
    await Promise.all([...this.#running, this.#changedNodes.stop(), this.#boundPods.stop()]);
  }

  /** One time after the other; the wait begins when the work is done. */
  #repeat(what: string, everyMs: number, work: () => Promise<void>): void {
    const again = (): void => {
      if (!this.#stopped) this.#cancels.set(what, this.#context.clock.after(everyMs, once));
    };
    const once = (): void => {
      const running = work()
        .catch((err: unknown) => this.#context.log.warn({ controller: name, err }, `${what} failed; it is tried again`))
        .finally(() => {
          this.#running.delete(running);
          again();
        });
      this.#running.add(running);
    };
    once();
  }

  /** Keeps new pods away from a node that is unwell, and its labels complete. */
  async #onNode(key: string): Promise<Outcome> {
    const node = this.#context.informers.of(nodes).objects.get(key);
    if (!node) return undefined;
    const nowMs = this.#context.clock.now();
    if (schedulingTaints(node, nowMs)) await this.#writes.taint(key, (latest) => schedulingTaints(latest, nowMs));
    const labels = missingLabels(node);
    if (labels) await this.#writes.label(key, labels);
    return undefined;
  }

  /** A pod that is bound to a node that nobody hears of. */
  async #onPod(key: string): Promise<Outcome> {
    const pod = this.#context.informers.of(pods).objects.get(key);
    if (pod?.spec.nodeName && this.#monitor.isNotReady(pod.spec.nodeName)) await this.#writes.markNotReady(pod);
    return undefined;
  }
}
