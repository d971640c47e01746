/** The proxy's work as health: its own, and what load balancers ask of each Service. */
import type { EndpointSlice, Node, Service } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import type { Kept } from "../agent/kept.ts";
import type { FamilySync, SyncObserver } from "../agent/observer.ts";
import { deriveHealthCheck, type HealthCheck } from "./derive.ts";
import type { NodeState, ProxyHealth } from "./proxy_health.ts";
import type { ServiceHealth } from "./service_health.ts";

export interface HealthObserverOptions {
  readonly families: readonly IpFamily[];
  readonly nodeName: string;
  /** nodePortAddresses name no address: their ports are served everywhere. */
  readonly isEverywhere: boolean;
}

export class HealthObserver implements SyncObserver {
  readonly #options: HealthObserverOptions;
  readonly #health: ProxyHealth;
  readonly #services: ServiceHealth;
  readonly #addresses = new Map<IpFamily, readonly string[]>();
  /** Said once rules say so too. */
  readonly #derived = new Map<string, HealthCheck | undefined>();
  /** Services that have one, as was said. */
  readonly #known = new Set<string>();

  constructor(health: ProxyHealth, services: ServiceHealth, options: HealthObserverOptions) {
    this.#health = health;
    this.#services = services;
    this.#options = options;
  }

  onPending(): void {
    for (const family of this.#options.families) this.#health.queued(family);
  }

  onService(key: string, service: Kept<Service> | undefined, slices: readonly Kept<EndpointSlice>[]): void {
    const check = service && this.#checkOf(service, slices);
    // Nearly no Service has one: a first list has them by the ten thousand.
    if (check !== undefined || this.#known.has(key)) this.#derived.set(key, check);
  }

  /** No usual Service is a load balancer. */
  #checkOf(service: Kept<Service>, slices: readonly Kept<EndpointSlice>[]): HealthCheck | undefined {
    if (service.usualText !== undefined) return undefined;
    const { nodeName } = this.#options;
    return deriveHealthCheck(
      service.object,
      slices.map(({ object }) => object),
      nodeName,
    );
  }

  onSynced({ family, nodePortAddresses }: FamilySync): void {
    this.#health.updated(family);
    // An address of the link alone cannot be listened at without its link.
    this.#addresses.set(
      family,
      nodePortAddresses.filter((address) => !address.startsWith("fe80:")),
    );
  }

  onTurn(): void {
    const addresses = [...this.#addresses.values()].flat();
    // As upstream: where none of the node's addresses is meant, all are.
    this.#services.setAddresses(this.#options.isEverywhere || addresses.length === 0 ? "all" : addresses);
    for (const [key, check] of this.#derived) {
      this.#services.set(key, check);
      if (check === undefined) this.#known.delete(key);
      else this.#known.add(key);
    }
    this.#derived.clear();
  }
}

/** This node, as it is followed. */
export class NodeHealth implements SyncObserver {
  #state: NodeState | "unknown" | "gone" = "unknown";

  get state(): NodeState | "unknown" | "gone" {
    return this.#state;
  }

  onNode(node: Node | undefined): void {
    this.#state = node ?? "gone";
  }
}
