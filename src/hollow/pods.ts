/** The pods of all hollow nodes of this process: what a kubelet would write of them. */
import type { Client } from "../api/client.ts";
import { keyOf, keyText, parseKey } from "../api/client.ts";
import { Informer } from "../api/informer.ts";
import { resourceTypes } from "../api/resource_types.ts";
import { isConflict, isNotFound } from "../api/status_error.ts";
import type { Pod } from "../model/kubernetes.ts";
import type { Clock } from "../reconcile/clock.ts";
import { WorkQueue, type Outcome } from "../reconcile/work_queue.ts";
import {
  endedStatus,
  nodeAddress,
  planPod,
  podAddress,
  restartedStatus,
  runningStatus,
  type HollowNode,
  type PodStep,
} from "./plan.ts";

export interface HollowPodsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly nodes: ReadonlyMap<string, HollowNode>;
  /** "shared": one watch over all pods; "node": one for each node, as kubelets have it. */
  readonly watch: "shared" | "node";
  readonly onError: (error: unknown, attempted: string) => void;
}

/** Writes at one time. */
const workers = 40;
const { pods } = resourceTypes;

export class HollowPods {
  readonly #options: HollowPodsOptions;
  readonly #informers: readonly Informer<Pod>[];
  readonly #queue: WorkQueue;
  /** Address slots in use, by node. */
  readonly #slots = new Map<string, Map<string, number>>();
  /** Of each pod the version behind the last write: until it is seen, nothing more is planned. */
  readonly #written = new Map<string, number>();
  readonly #byKey = new Map<string, Pod>();

  constructor(options: HollowPodsOptions) {
    this.#options = options;
    const { client, clock, nodes, watch, onError } = options;
    const selectors =
      watch === "shared" ? ["spec.nodeName!="] : [...nodes.keys()].map((name) => `spec.nodeName=${name}`);
    this.#informers = selectors.map((fieldSelector) => {
      const told = (error: unknown): void => onError(error, "follow pods");
      return new Informer(client, pods, { fieldSelector, clock, onError: told });
    });
    this.#queue = new WorkQueue({
      clock,
      workers,
      reconcile: (key) => this.#reconcile(key),
      onError: (key, error) => {
        if (!isConflict(error)) onError(error, `report pod ${key}`);
      },
      backoff: { firstMs: 50, maxMs: 10_000 },
    });
  }

  start(): void {
    for (const informer of this.#informers) {
      const put = (pod: Pod): void => this.#put(pod);
      informer.subscribe({ onAdd: put, onUpdate: (_, pod) => put(pod), onDelete: (pod) => this.#forget(pod) });
      informer.start();
    }
    this.#queue.start();
  }

  async stop(): Promise<void> {
    for (const informer of this.#informers) informer.stop();
    await this.#queue.stop();
  }

  get count(): number {
    return this.#byKey.size;
  }

  #put(pod: Pod): void {
    if (!this.#options.nodes.has(pod.spec.nodeName ?? "")) return;
    const key = keyText(keyOf(pod));
    this.#byKey.set(key, pod);
    if (planPod(pod, this.#options.clock.now()).step || pod.metadata.annotations) this.#queue.add(key);
  }

  #forget(pod: Pod): void {
    const key = keyText(keyOf(pod));
    this.#byKey.delete(key);
    this.#written.delete(key);
    this.#slots.get(pod.spec.nodeName ?? "")?.delete(key);
  }

  async #reconcile(key: string): Promise<Outcome> {
    const pod = this.#byKey.get(key);
    if (!pod || Number(pod.metadata.resourceVersion) < (this.#written.get(key) ?? 0)) return undefined;
    const { step, againAfterMs } = planPod(pod, this.#options.clock.now());
    if (!step) return againAfterMs === undefined ? undefined : { againAfterMs };
    try {
      const written = step.do === "remove" ? await this.#remove(pod) : await this.#write(key, pod, step);
      if (written) this.#written.set(key, Number(written.metadata.resourceVersion));
    } catch (error) {
      // It is gone, and its deletion is on the way.
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }

  async #remove(pod: Pod): Promise<Pod | undefined> {
    const preconditions = { uid: pod.metadata.uid };
    return this.#options.client.delete(pods, keyOf(pod), { gracePeriodSeconds: 0, preconditions });
  }

  async #write(key: string, pod: Pod, step: Exclude<PodStep, { do: "remove" }>): Promise<Pod> {
    const status = this.#statusOf(key, pod, step);
    const body = { metadata: { uid: pod.metadata.uid }, status };
    return this.#options.client.patch(pods, parseKey(key), { type: "strategic", body }, { subresource: "status" });
  }

  #statusOf(key: string, pod: Pod, step: Exclude<PodStep, { do: "remove" }>): object {
    const now = this.#options.clock.now();
    if (step.do === "end") return endedStatus(pod, step, now);
    if (step.do === "restart") return restartedStatus(pod, now);
    const node = this.#options.nodes.get(pod.spec.nodeName ?? "")!;
    const addresses = { pod: podAddress(node.index, this.#slot(node.name, key)), node: nodeAddress(node.index) };
    return runningStatus(pod, addresses, now);
  }

  /** The lowest address that no other pod of the node has. */
  #slot(node: string, key: string): number {
    const taken = this.#slots.get(node) ?? new Map<string, number>();
    this.#slots.set(node, taken);
    const has = taken.get(key);
    if (has !== undefined) return has;
    const used = new Set(taken.values());
    let slot = 1;
    while (used.has(slot)) slot++;
    taken.set(key, slot);
    return slot;
  }
}
