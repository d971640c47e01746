/**
 * The objects of one resource in memory, as served bytes, kept by a watch of the store. Lists and
 * watches of the API are served from here; each event is encoded once for all watchers.
 */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Store, StoreEvent, StoreWatch } from "../../store/store.ts";
import type { ApiObject } from "../resources/resource.ts";
import { parseObject, servedBytes } from "./object_bytes.ts";
import { SortedItems } from "./sorted_items.ts";

/** An object as it is kept: bytes to serve, and what selectors look at. */
export interface CachedObject {
  readonly key: string;
  readonly revision: number;
  readonly bytes: Buffer;
  readonly labels: Readonly<Record<string, string>>;
  /** Values of the resource's selectable fields. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface CacheEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  /** The object after the event; of a deletion the last one, at the deletion's revision. */
  readonly object: CachedObject;
  readonly previous: CachedObject | undefined;
  readonly revision: number;
}

export interface CacheObserver {
  /** @param encoded what observers made of the event, for those behind them: gone when all have been called */
  onEvent(event: CacheEvent, encoded: Map<string, Buffer>): void;
  /** The cache is lost and starts anew: the watch has ended. */
  onEnd(error: FairleadError): void;
  /** The cache is whole again, for who observed it anew in onEnd: anything may have changed in between. */
  onRefill?(): void;
}

/** Reads what a resource's selectors need from an object. */
export type FieldsOf = (object: ApiObject) => Readonly<Record<string, string>>;

/** Events kept for watches that start in the past; older ones are told to list again (410). */
const historyLimit = 4096;
/** Bytes of such events, those of large objects too. */
const historyLimitBytes = 32 * 1024 * 1024;
/** Objects per page when the cache is filled. */
const fillLimit = 500;
/** Bound of waiting for a revision that is on its way, in ms (upstream: 3 s). */
const freshTimeoutMs = 3000;
/** Waits before filling again after the store was lost, in ms. */
const refillDelayMs = 500;

export class ResourceCache {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #fieldsOf: FieldsOf;
  readonly #observers = new Set<CacheObserver>();
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>();
  readonly items = new SortedItems<CachedObject>();
  #history: CacheEvent[] = [];
  #historyBytes = 0;
  #historyFrom = 0;
  #revision = 0;
  #watch: StoreWatch | undefined;
  #refill: NodeJS.Timeout | undefined;
  #isFollowing = false;
  #closed = false;

  private constructor(store: Store, prefix: string, fieldsOf: FieldsOf) {
    this.#store = store;
    this.#prefix = prefix;
    this.#fieldsOf = fieldsOf;
  }

  /** Fills the cache and follows the store from then on. @param prefix the keys' prefix */
  static async start(store: Store, prefix: string, fieldsOf: FieldsOf): Promise<ResourceCache> {
    const cache = new ResourceCache(store, prefix, fieldsOf);
    await cache.#fill();
    return cache;
  }

  /** Whether the items follow the store; not while it is lost. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** The revision that the items are of. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Waits until everything acknowledged before the call is in the items.
   *
   * @returns the revision that they are of
   * @throws FairleadError STORE_UNAVAILABLE where the store's events are late: what is here may be older than what was acknowledged
   */
  async current(): Promise<number> {
    const delivered = this.#store.delivered();
    if (delivered !== undefined) {
      this.#advance(delivered);
      return this.#revision;
    }
    const revision = await this.#store.revision();
    if (await this.reach(revision)) return this.#revision;
    const reason = `events up to revision ${revision} did not come within ${freshTimeoutMs} ms`;
    throw new FairleadError("STORE_UNAVAILABLE", { subject: this.#prefix, reason });
  }

  /** Waits until the items are of this revision or a newer one. @returns false when they are not in time */
  async reach(revision: number): Promise<boolean> {
    const delivered = this.#store.delivered();
    if (delivered !== undefined) this.#advance(delivered);
    if (this.#revision >= revision) return true;
    this.#watch?.requestProgress();
    return new Promise<boolean>((resolve) => {
      const waiter = { revision, resolve: () => done(true) };
      const timer = setTimeout(() => done(false), freshTimeoutMs);
      const done = (reached: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        resolve(reached);
      };
      this.#waiting.add(waiter);
    });
  }

  get(key: string): CachedObject | undefined {
    return this.items.get(key);
  }

  /**
   * Follows events. With `afterRevision`, those of the past behind it come first.
   *
   * @returns how to stop, or undefined when that revision's events are no longer kept
   */
  observe(observer: CacheObserver, afterRevision?: number): (() => void) | undefined {
    if (afterRevision !== undefined) {
      if (afterRevision < this.#historyFrom) return undefined;
      for (const event of this.#historyBehind(afterRevision)) observer.onEvent(event, new Map());
    }
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** The oldest revision behind which a watch can start. */
  get oldestRevision(): number {
    return this.#historyFrom;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#refill);
    this.#watch?.close();
    const error = new FairleadError("STORE_UNAVAILABLE", { subject: this.#prefix, reason: "the server is stopping" });
    for (const observer of [...this.#observers]) observer.onEnd(error);
    this.#observers.clear();
  }

  async #fill(): Promise<void> {
    let after: string | undefined;
    let revision: number | undefined;
    const objects: CachedObject[] = [];
    for (;;) {
      const page = await this.#store.range({
        prefix: this.#prefix,
        limit: fillLimit,
        counted: false,
        ...(after === undefined ? {} : { after }),
        ...(revision === undefined ? {} : { revision }),
      });
      for (const item of page.items) objects.push(this.cached(item.key, item.value, item.modRevision));
      revision = page.revision;
      after = page.items.at(-1)?.key;
      if (page.remaining === 0 || after === undefined) break;
    }
    this.items.replace(objects);
    this.#history = [];
    this.#historyBytes = 0;
    this.#historyFrom = revision;
    this.#revision = revision;
    for (const observer of this.#observers) observer.onRefill?.();
    if (!this.#closed) this.#follow(revision);
  }

  #follow(revision: number): void {
    this.#isFollowing = true;
    this.#watch = this.#store.watch(this.#prefix, revision, {
      onEvents: (events, upTo) => {
        for (const event of events) this.#onStoreEvent(event);
        this.#advance(upTo);
      },
      onEnd: (error) => this.#onLost(error),
    });
  }

  /** The store's watch broke: watchers list again, as they do from an API server that restarts. */
  #onLost(error: FairleadError): void {
    this.#isFollowing = false;
    const observers = [...this.#observers];
    this.#observers.clear();
    for (const observer of observers) observer.onEnd(error);
    const again = (): void => {
      if (this.#closed) return;
      this.#fill().catch(() => {
        this.#refill = setTimeout(again, refillDelayMs);
      });
    };
    this.#refill = setTimeout(again, refillDelayMs);
  }

  #onStoreEvent(event: StoreEvent): void {
    if (event.type === "put") {
      const { key, value, modRevision } = event.item;
      const object = this.cached(key, value, modRevision);
      const previous = this.items.set(object);
      this.#emit({ type: previous ? "MODIFIED" : "ADDED", object, previous, revision: modRevision });
    } else {
      const previous = this.items.delete(event.key);
      if (!previous) return;
      const object = atRevision(previous, event.revision);
      this.#emit({ type: "DELETED", object, previous, revision: event.revision });
    }
  }

  #emit(event: CacheEvent): void {
    this.#revision = event.revision;
    this.#remember(event);
    if (this.#observers.size === 0) return;
    const encoded = new Map<string, Buffer>();
    for (const observer of this.#observers) observer.onEvent(event, encoded);
  }

  /** Forgets in halves, so that forgetting costs little per event. */
  #remember(event: CacheEvent): void {
    this.#history.push(event);
    this.#historyBytes += event.object.bytes.length;
    if (this.#history.length < historyLimit * 2 && this.#historyBytes < historyLimitBytes) return;
    let from = Math.max(1, this.#history.length - historyLimit);
    let kept = 0;
    for (let i = from; i < this.#history.length; i++) kept += this.#history[i]!.object.bytes.length;
    while (kept > historyLimitBytes / 2 && from < this.#history.length)
      kept -= this.#history[from++]!.object.bytes.length;
    this.#historyFrom = this.#history[from - 1]!.revision;
    this.#history = this.#history.slice(from);
    this.#historyBytes = kept;
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const waiter of [...this.#waiting]) if (waiter.revision <= this.#revision) waiter.resolve();
  }

  #historyBehind(revision: number): CacheEvent[] {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#history[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  /** An item of the store as it is kept here. */
  cached(key: string, value: Buffer, revision: number): CachedObject {
    const bytes = servedBytes(value, revision);
    const object = parseObject(bytes);
    return { key, revision, bytes, labels: object.metadata.labels ?? none, fields: this.#fieldsOf(object) };
  }
}

const none: Readonly<Record<string, string>> = {};

/** A deleted object is shown at the revision of its deletion. */
function atRevision(object: CachedObject, revision: number): CachedObject {
  const parsed = parseObject(object.bytes);
  parsed.metadata.resourceVersion = String(revision);
  return { ...object, revision, bytes: Buffer.from(JSON.stringify(parsed)) };
}
