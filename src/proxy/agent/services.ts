/** Services with their EndpointSlices as the API has them, and which of them changed since they were last looked at. */
import type { Client } from "../../api/client.ts";
import { Informer } from "../../api/informer.ts";
import type { Index } from "../../api/object_store.ts";
import { resourceTypes, type ResourceType } from "../../api/resource_types.ts";
import type { EndpointSlice, KubeObject, Service } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { serviceFields, sliceFields } from "./keep.ts";
import { Kept, keptService, keptServiceLine, keptSlice, keptSliceLine } from "./kept.ts";
import type { SyncObserver } from "./observer.ts";

export interface ServiceStatesOptions {
  readonly clock: Clock;
  /** This node's: its endpoints are told from all others. */
  readonly nodeName: string;
  readonly observer: SyncObserver;
  readonly onChange: () => void;
  readonly onError: (resource: string, error: unknown) => void;
}

/** What DNS alone serves, and what is another proxy's (upstream: cmd/kube-proxy/app/server.go, Run). */
const labelSelector = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";

export class ServiceStates {
  readonly #services: Informer<Kept<Service>>;
  readonly #slices: Informer<Kept<EndpointSlice>>;
  readonly #slicesOf: Index<Kept<EndpointSlice>>;
  readonly #options: ServiceStatesOptions;
  #changed = new Set<string>();

  constructor(client: Client, options: ServiceStatesOptions) {
    const { clock, nodeName, onError } = options;
    this.#options = options;
    const shared = (resource: string) => ({
      labelSelector,
      clock,
      onError: (error: unknown) => onError(resource, error),
    });
    const { services, endpointSlices } = resourceTypes;
    this.#services = new Informer(client, asKept(services), {
      ...shared("services"),
      fields: serviceFields,
      keep: keeping(keptService),
      keepLine: keptServiceLine,
    });
    this.#slices = new Informer(client, asKept(endpointSlices), {
      ...shared("endpointslices"),
      fields: sliceFields(nodeName),
      keep: keeping((slice: EndpointSlice) => keptSlice(slice, nodeName)),
      keepLine: (line) => keptSliceLine(line, nodeName),
    });
    this.#slicesOf = this.#slices.objects.addIndex(({ owner }) => [owner]);
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
  service(key: string): Kept<Service> | undefined {
    return this.#services.objects.get(key);
  }

  slices(key: string): readonly Kept<EndpointSlice>[] {
    return this.#slicesOf.get(key);
  }

  /** Keys of Services that changed since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /** They were taken, and are to be looked at once more. */
  changeAgain(keys: readonly string[]): void {
    for (const key of keys) this.#changed.add(key);
  }

  /** Something that every Service depends on has changed. */
  changeAll(): void {
    for (const key of this.#services.objects.keys()) this.#changed.add(key);
    this.#options.onChange();
  }

  #follow(): void {
    const change = (object: Kept<Service | EndpointSlice>): void => this.#change(object);
    const gone = (object: Kept<Service | EndpointSlice>): void => this.#change(object, true);
    this.#services.subscribe({ onAdd: change, onUpdate: (_, object) => change(object), onDelete: gone });
    this.#slices.subscribe({
      onAdd: change,
      onUpdate: (previous, object) => {
        // A slice that is given to another Service.
        this.#changed.add(previous.owner);
        change(object);
      },
      onDelete: gone,
    });
  }

  #change(kept: Kept<Service | EndpointSlice>, isGone = false): void {
    this.#changed.add(kept.owner);
    this.#options.observer.onPending?.(kept, isGone);
    this.#options.onChange();
  }
}

/** The informer keeps another form of what the resource has. */
function asKept<T extends KubeObject>(type: ResourceType<T>): ResourceType<Kept<T>> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- what comes is what the API has
  return type as ResourceType<KubeObject> as ResourceType<Kept<T>>;
}

function keeping<T extends KubeObject>(keep: (whole: T) => Kept<T>): (whole: Kept<T>) => Kept<T> {
  return (given) => (given instanceof Kept ? given : keep(given));
}
