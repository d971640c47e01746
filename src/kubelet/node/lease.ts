/** Renews the node's Lease, each time a while before it would end. */
import type { Client } from "../../api/client.ts";
import { renewNodeLease } from "../../api/node_lease.ts";
import type { Lease, Node } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Periodic } from "../../reconcile/periodic.ts";

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
  readonly #loop: Periodic;

  constructor(node: Node, options: LeaseOptions) {
    this.#node = node;
    this.#options = options;
    this.#loop = new Periodic(options.clock, () => this.#turn());
  }

  start(): void {
    void this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  async #turn(): Promise<number> {
    const { durationSeconds, onError } = this.#options;
    try {
      await this.#renew();
    } catch (error) {
      onError(error);
      return retryMs;
    }
    return durationSeconds * 1000 * renewShare * (1 + 0.04 * Math.random());
  }

  async #renew(): Promise<void> {
    const { client, clock, durationSeconds } = this.#options;
    const lease = this.#lease;
    this.#lease = undefined;
    this.#lease = await renewNodeLease(client, { node: this.#node, durationSeconds, nowMs: clock.now(), lease });
  }
}
