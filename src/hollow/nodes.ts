/** The nodes themselves: registered, leased and reported, each at its own moment. */
import type { Client } from "../api/client.ts";
import { renewNodeLease } from "../api/node_lease.ts";
import { resourceTypes } from "../api/resource_types.ts";
import { isAlreadyExists, isConflict } from "../api/status_error.ts";
import type { Lease, Node } from "../model/kubernetes.ts";
import type { Clock } from "../reconcile/clock.ts";
import { WorkQueue } from "../reconcile/work_queue.ts";
import { newNode, nodeStatus, type HollowNode } from "./plan.ts";

export interface HollowNodesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly nodes: ReadonlyMap<string, HollowNode>;
  readonly onError: (error: unknown, attempted: string) => void;
}

/** The kubelet's: nodeLeaseDurationSeconds, its quarter, nodeStatusReportFrequency. */
const leaseSeconds = 40;
const renewMs = 10_000;
const reportMs = 300_000;
const workers = 20;
const { nodes } = resourceTypes;

interface State {
  readonly node: HollowNode;
  registered?: Node;
  lease?: Lease;
  reportAtMs: number;
}

export class HollowNodes {
  readonly #options: HollowNodesOptions;
  readonly #queue: WorkQueue;
  readonly #states = new Map<string, State>();
  readonly #startedMs: number;
  #left: number;
  #allRegistered: () => void = () => undefined;
  readonly registered: Promise<void>;

  constructor(options: HollowNodesOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
    this.#left = options.nodes.size;
    this.registered = new Promise((resolve) => (this.#allRegistered = resolve));
    for (const [name, node] of options.nodes) this.#states.set(name, { node, reportAtMs: 0 });
    this.#queue = new WorkQueue({
      clock: options.clock,
      workers,
      reconcile: async (name) => {
        await this.#keep(this.#states.get(name)!);
        return { againAfterMs: renewMs };
      },
      onError: (name, error) => {
        if (!isConflict(error)) options.onError(error, `keep node ${name}`);
      },
      backoff: { firstMs: 200, maxMs: renewMs },
    });
  }

  /** All register at once, and thereby renew at different moments: as fast as the server takes them. */
  start(): void {
    for (const name of this.#states.keys()) this.#queue.add(name);
    this.#queue.start();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  async #keep(state: State): Promise<void> {
    if (!state.registered) await this.#register(state);
    await this.#renew(state);
    if (this.#options.clock.now() >= state.reportAtMs) await this.#report(state);
  }

  async #register(state: State): Promise<void> {
    const { client } = this.#options;
    const { name } = state.node;
    const node = await client.create(nodes, newNode(state.node)).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
      return client.get(nodes, { name });
    });
    await this.#report(state);
    state.registered = node;
    if (--this.#left === 0) this.#allRegistered();
  }

  async #report(state: State): Promise<void> {
    const { client, clock } = this.#options;
    const status = nodeStatus(state.node, this.#startedMs, clock.now());
    const key = { name: state.node.name };
    await client.patch(nodes, key, { type: "strategic", body: { status } }, { subresource: "status" });
    // Spread over the time, so that all do not report at once.
    const spread = state.reportAtMs === 0 ? Math.random() : 1;
    state.reportAtMs = clock.now() + reportMs * spread;
  }

  async #renew(state: State): Promise<void> {
    const { client, clock } = this.#options;
    const { lease, registered } = state;
    delete state.lease;
    const renewal = { node: registered!, durationSeconds: leaseSeconds, nowMs: clock.now(), lease };
    state.lease = await renewNodeLease(client, renewal);
  }
}
