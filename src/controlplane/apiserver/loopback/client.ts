/** The API's client for what runs in the server's own process: no connection, and a watch is the cache's events. */
import { messageOf } from "../../../errors/message.ts";
import type { ListOptions, ObjectList, StopWatch, WatchObserver, WatchOptions } from "../../../api/client.ts";
import { RequestClient, type ApiRequest } from "../../../api/request_client.ts";
import { pathOf, queryOf } from "../../../api/request_parts.ts";
import type { ResourceType } from "../../../api/resource_types.ts";
import { StatusError } from "../../../api/status_error.ts";
import type { KubeObject } from "../../../model/kubernetes.ts";
import type { Routes } from "../routes.ts";
import { ApiError } from "../status.ts";
import type { CacheEvent, CachedObject } from "../storage/cache.ts";
import { parseObject } from "../storage/object_bytes.ts";
import { turn } from "../turns.ts";
import { inVersion } from "../verbs/convert.ts";
import { selection, type Endpoint } from "../verbs/endpoint.ts";
import { Loopback, type Requester } from "./loopback.ts";

/** Objects that are parsed before others have their turn. */
const chunk = 50;

export class LoopbackClient extends RequestClient {
  readonly #routes: Routes;
  readonly #loopback: Loopback;

  constructor(routes: Routes, requester: Requester) {
    super();
    this.#routes = routes;
    this.#loopback = new Loopback(routes, requester);
  }

  override async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const endpoint = this.#endpoint(type);
    if (options.limit !== undefined || options.continue !== undefined) return this.#page(type, options);
    const { registry } = endpoint;
    const matches = matcher(endpoint, options);
    await registry.cache.current();
    const resourceVersion = String(registry.cache.revision);
    const cached = [...registry.cache.items.withPrefix(registry.prefix(options.namespace ?? ""))].filter(matches);
    const items: T[] = [];
    for (const object of cached) {
      if (items.length % chunk === chunk - 1) await turn();
      items.push(read<T>(endpoint, object));
    }
    return { items, resourceVersion };
  }

  async #page<T extends KubeObject>(type: ResourceType<T>, options: ListOptions): Promise<ObjectList<T>> {
    const list = await this.send<{ items: T[]; metadata: { resourceVersion: string; continue?: string } }>({
      method: "GET",
      path: pathOf(type, options),
      query: queryOf({
        ...options,
        namespace: undefined,
        fields: undefined,
        keep: undefined,
        keepLine: undefined,
        onNext: undefined,
      }),
    });
    const { resourceVersion, continue: next } = list.metadata;
    return { items: list.items, resourceVersion, ...(next === undefined ? {} : { continue: next }) };
  }

  override watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
    observer: WatchObserver<T>,
  ): StopWatch {
    const watch = new LoopbackWatch(observer);
    void this.#observe(type, options, watch);
    return () => watch.stop();
  }

  async #observe<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
    watch: LoopbackWatch<T>,
  ): Promise<void> {
    try {
      const endpoint = this.#endpoint(type);
      const after = Number(options.resourceVersion);
      await endpoint.registry.cache.reach(after);
      watch.start(endpoint, matcher(endpoint, options), endpoint.registry.prefix(options.namespace ?? ""), after);
    } catch (error) {
      watch.end(statusError(error));
    }
  }

  protected override async send<Answer>(request: ApiRequest): Promise<Answer> {
    try {
      return (await this.#loopback.request(request)) as unknown as Answer;
    } catch (error) {
      throw statusError(error);
    }
  }

  #endpoint({ group, version, plural }: ResourceType<KubeObject>): Endpoint {
    const endpoint = this.#routes.find(group, version, plural);
    if (!endpoint) throw new StatusError(404, "NotFound", "the server could not find the requested resource");
    return endpoint;
  }
}

/** A watch of the server's own cache: an event's object is parsed for this watcher alone. */
class LoopbackWatch<T> {
  readonly #observer: WatchObserver<T>;
  #stop: (() => void) | undefined;
  #ended = false;

  constructor(observer: WatchObserver<T>) {
    this.#observer = observer;
  }

  start(endpoint: Endpoint, matches: (object: CachedObject) => boolean, prefix: string, after: number): void {
    if (this.#ended) return;
    const { cache } = endpoint.registry;
    const onEvent = (event: CacheEvent): void => {
      if (this.#ended || !event.object.key.startsWith(prefix)) return;
      const was = event.previous !== undefined && matches(event.previous);
      const is = event.type !== "DELETED" && matches(event.object);
      if (!was && !is) return;
      const object = read<T>(endpoint, event.object);
      this.#observer.onEvent({ type: is ? (was ? "MODIFIED" : "ADDED") : "DELETED", object });
    };
    this.#stop = cache.observe({ onEvent, onEnd: () => this.end(expired(after)) }, after);
    if (!this.#stop) this.end(expired(after));
  }

  stop(): void {
    this.#ended = true;
    this.#stop?.();
  }

  end(error: StatusError): void {
    if (this.#ended) return;
    this.stop();
    this.#observer.onEnd(error);
  }
}

function expired(version: number): StatusError {
  return new StatusError(410, "Expired", `too old resource version: ${version}`);
}

function matcher(endpoint: Endpoint, { labelSelector, fieldSelector }: ListOptions) {
  return selection(endpoint, { labelSelector: labelSelector ?? null, fieldSelector: fieldSelector ?? null });
}

/** Readers of the API in this process have no use for who set what, and it is a third of an object. */
function read<T>(endpoint: Endpoint, { bytes }: CachedObject): T {
  const object = inVersion(endpoint, parseObject(bytes));
  delete object.metadata.managedFields;
  return object as unknown as T;
}

function statusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof ApiError) return new StatusError(error.code, error.reason, error.message, error.details, error);
  return new StatusError(500, "InternalError", messageOf(error), undefined, error);
}
