/** Services with their EndpointSlices as the API has them, and which of them changed since they were last looked at. */
import type { Client } from "../../api/client.ts";
import { keyOf, keyText } from "../../api/client.ts";
import { Informer } from "../../api/informer.ts";
import type { Index } from "../../api/object_store.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { keepService, keepSlice, serviceNameLabel } from "./keep.ts";
import type { SyncObserver } from "./observer.ts";

export interface ServiceStatesOptions {
  readonly clock: Clock;
  readonly observer: SyncObserver;
  readonly onChange: () => void;
  readonly onError: (resource: string, error: unknown) => void;
}

/** What DNS alone serves, and what is another proxy's (upstream: cmd/kube-proxy/app/server.go, Run). */
const labelSelector = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

export class ServiceStates {
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #slicesOf: Index<EndpointSlice>;
  readonly #options: ServiceStatesOptions;
  #changed = new Set<string>();

  constructor(client: Client, options: ServiceStatesOptions) {
    const { clock, onError } = options;
    this.#options = options;
    this.#services = new Informer(client, resourceTypes.services, {
      labelSelector,
      keep: keepService,
      clock,
      onError: (error) => onError("services", error),
    });
    this.#slices = new Informer(client, resourceTypes.endpointSlices, {
      labelSelector,
      keep: keepSlice,
      clock,
      onError: (error) => onError("endpointslices", error),
    });
    this.#slicesOf = this.#slices.objects.addIndex((slice) => [serviceOf(slice)]);
    this.#follow();
  }

  start(): void {
    this.#services.start();
    this.#slices.start();
  }

  stop(): void {
    this.#services.stop();
    this.#slices.stop();
  }

  /** @returns whether the first lists came in time */
  async synced(timeoutMs: number): Promise<boolean> {
    const came = await Promise.all([this.#services.synced(timeoutMs), this.#slices.synced(timeoutMs)]);
    return came.every(Boolean);
  }

  get count(): number {
    return this.#services.objects.size;
  }

  /** @param key "namespace/name" */
  service(key: string): Service | undefined {
    return this.#services.objects.get(key);
  }

  slices(key: string): readonly EndpointSlice[] {
    return this.#slicesOf.get(key);
  }

  /** Keys of Services that changed since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** Something that every Service depends on has changed. */
  changeAll(): void {
    for (const key of this.#services.objects.keys()) this.#changed.add(key);
    this.#options.onChange();
  }

  #follow(): void {
    const service = (object: Service): void => this.#change(keyText(keyOf(object)), "Service", object);
    const slice = (object: EndpointSlice): void => this.#change(serviceOf(object), "EndpointSlice", object);
    this.#services.subscribe({ onAdd: service, onUpdate: (_, object) => service(object), onDelete: service });
    this.#slices.subscribe({
      onAdd: slice,
      onUpdate: (previous, object) => {
        // A slice that is given to another Service.
        if (serviceOf(previous) !== serviceOf(object)) this.#changed.add(serviceOf(previous));
        slice(object);
      },
      onDelete: slice,
    });
  }

  #change(key: string, kind: "Service" | "EndpointSlice", object: Service | EndpointSlice): void {
    this.#changed.add(key);
    this.#options.observer.onPending?.(kind, object);
    this.#options.onChange();
  }
}

function serviceOf({ metadata: { namespace = "", labels } }: EndpointSlice): string {
  return `${namespace}/${labels?.[serviceNameLabel] ?? ""}`;
}
