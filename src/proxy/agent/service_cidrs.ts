/** Ranges of cluster IPs, from the cluster's ServiceCIDRs (KEP-1880): a server before 1.33 has none. */
import type { Client } from "../../api/client.ts";
import { Informer } from "../../api/informer.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isForbidden, isNotFound } from "../../api/status_error.ts";
import type { ServiceCIDR } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";

export interface ServiceCidrsOptions {
  readonly clock: Clock;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

export class ServiceCidrs {
  readonly #informer: Informer<ServiceCIDR>;
  readonly #settled: Promise<void>;

  constructor(client: Client, { clock, onChange, onError }: ServiceCidrsOptions) {
    let settle = (): void => undefined;
    this.#settled = new Promise((resolve) => (settle = resolve));
    this.#informer = new Informer(client, resourceTypes.serviceCidrs, {
      clock,
      onError: (error) => {
        // Who may not read them, or has none, does without: what no Service has is not dropped then.
        if (!isNotFound(error) && !isForbidden(error)) onError(error);
        settle();
      },
    });
    this.#informer.subscribe({ onAdd: onChange, onUpdate: onChange, onDelete: onChange });
  }

  start(): void {
    this.#informer.start();
  }

  stop(): void {
    this.#informer.stop();
  }

  /** Of both families. */
  get all(): readonly string[] {
    const cidrs = [...this.#informer.objects.values()].flatMap(({ spec }) => spec.cidrs ?? []);
    return [...new Set(cidrs)].sort();
  }

  /** Until they were read, or could not be. */
  async settled(timeoutMs: number): Promise<void> {
    await Promise.race([this.#informer.synced(timeoutMs), this.#settled]);
  }
}
