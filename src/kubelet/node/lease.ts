/** The node's Lease: that it is renewed says that the node lives (KEP-589). */
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../api/status_error.ts";
import type { Lease, New, Node } from "../../model/kubernetes.ts";
import { microTimestamp } from "../../model/timestamp.ts";
import type { Clock } from "../../reconcile/clock.ts";

const { leases } = resourceTypes;
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
    const { client, clock } = this.#options;
    const renewTime = microTimestamp(clock.now());
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease) {
      try {
        this.#lease = await client.update(leases, { ...lease, spec: { ...lease.spec, renewTime } });
        return;
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    }
    this.#lease = await this.#take(renewTime);
  }

  async #take(renewTime: string): Promise<Lease> {
    const { client, durationSeconds: leaseDurationSeconds } = this.#options;
    const { name, uid } = this.#node.metadata;
    const key = { namespace: "kube-node-lease", name };
    const spec = { holderIdentity: name, leaseDurationSeconds, renewTime };
    const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
    const fresh: New<Lease> = { metadata: { ...key, ownerReferences }, spec };
    try {
      return await client.create(leases, fresh);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const current = await client.get(leases, key);
      return client.update(leases, { ...current, metadata: { ...current.metadata, ownerReferences }, spec });
    }
  }
}
