/** Renews the node's Lease, each time a while before it would end. */
import type { Client } from "../../api/client.ts";
import { renewNodeLease } from "../../api/node_lease.ts";
import type { Lease, Node } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";

/** A quarter of the lease's duration (pkg/kubelet, nodeLeaseRenewIntervalFraction). */
const renewShare = 0.25;
const retryMs = 1000;

export interface LeaseOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly durationSeconds: number;
  readonly onError: (error: unknown) => void;
}

export class NodeLease {
  readonly #options: LeaseOptions;
  readonly #node: Node;
  #lease: Lease | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(node: Node, options: LeaseOptions) {
    this.#node = node;
    this.#options = options;
  }

  start(): void {
    void this.#turn();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  async #turn(): Promise<void> {
    const { clock, durationSeconds, onError } = this.#options;
    let ms = durationSeconds * 1000 * renewShare * (1 + 0.04 * Math.random());
    try {
      await this.#renew();
    } catch (error) {
      onError(error);
      ms = retryMs;
    }
    if (!this.#isStopped) this.#cancel = clock.after(ms, () => void this.#turn());
  }

  async #renew(): Promise<void> {
    const { client, clock, durationSeconds } = this.#options;
    const lease = this.#lease;
    this.#lease = undefined;
    this.#lease = await renewNodeLease(client, { node: this.#node, durationSeconds, nowMs: clock.now(), lease });
  }
}
