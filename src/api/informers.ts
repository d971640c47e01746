/** The informers of one process: one for each resource that anybody follows. */
import type { KubeObject } from "../model/kubernetes.ts";
import type { Clock } from "../reconcile/clock.ts";
import type { Client } from "./client.ts";
import { Informer } from "./informer.ts";
import { apiVersionOf, type ResourceType } from "./resource_types.ts";

export interface InformersOptions {
  readonly onError: (resource: ResourceType<KubeObject>, error: unknown) => void;
  readonly clock?: Clock;
}

export class Informers {
  readonly #client: Client;
  readonly #options: InformersOptions;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  #running = false;

  constructor(client: Client, options: InformersOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** The informer of a resource, whole; it runs from start() on, or at once when that was called. */
  of<T extends KubeObject>(type: ResourceType<T>): Informer<T> {
    const key = `${apiVersionOf(type)}/${type.plural}`;
    let informer = this.#informers.get(key) as unknown as Informer<T> | undefined;
    if (!informer) {
      const { onError, clock } = this.#options;
      informer = new Informer(this.#client, type, {
        onError: (error) => onError(type, error),
        ...(clock === undefined ? {} : { clock }),
      });
      this.#informers.set(key, informer as unknown as Informer<KubeObject>);
      if (this.#running) informer.start();
    }
    return informer;
  }

  /** The informer of a resource where somebody has asked for it. */
  find(type: ResourceType<KubeObject>): Informer<KubeObject> | undefined {
    return this.#informers.get(`${apiVersionOf(type)}/${type.plural}`);
  }

  start(): void {
    this.#running = true;
    for (const informer of this.#informers.values()) informer.start();
  }

  /** Waits for the first lists. @returns resources whose list has not come */
  async synced(timeoutMs: number): Promise<readonly ResourceType<KubeObject>[]> {
    const all = [...this.#informers.values()];
    const came = await Promise.all(all.map((informer) => informer.synced(timeoutMs)));
    return all.filter((_, i) => !came[i]).map(({ type }) => type);
  }

  /** Ends an informer that nobody needs any more (a custom resource that is gone). */
  drop(type: ResourceType<KubeObject>): void {
    const key = `${apiVersionOf(type)}/${type.plural}`;
    this.#informers.get(key)?.stop();
    this.#informers.delete(key);
  }

  stop(): void {
    this.#running = false;
    for (const informer of this.#informers.values()) informer.stop();
  }
}
