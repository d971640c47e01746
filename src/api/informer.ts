/**
 * A resource's objects as they are now, by one list and a watch that goes on from it (client-go,
 * tools/cache Reflector and SharedInformer). Everybody who asks for the same resource shares one.
 */
import type { KubeObject } from "../model/kubernetes.ts";
import { systemClock, type Clock } from "../reconcile/clock.ts";
import {
  keyOf,
  keyText,
  type Client,
  type ListOptions,
  type ObjectList,
  type StopWatch,
  type WatchEvent,
} from "./client.ts";
import { ObjectStore } from "./object_store.ts";
import type { ResourceType } from "./resource_types.ts";
import { isExpired } from "./status_error.ts";

export interface InformerHandler<T> {
  onAdd?(object: T): void;
  onUpdate?(previous: T, object: T): void;
  /** @param object as it was seen last */
  onDelete?(object: T): void;
}

export interface InformerOptions extends Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector"> {
  /** Told of each list or watch that failed; it is tried again. */
  readonly onError: (error: unknown) => void;
  readonly clock?: Clock;
}

export interface KeepOption<T> extends Pick<ListOptions, "fields"> {
  /** What is kept of each object, where that is not all; of what it has given it gives the same. */
  readonly keep?: (object: T) => T;
  /** The same, of an object's line (ListOptions). */
  readonly keepLine?: (line: string) => T;
}

/** Objects of a page (client-go's pager). */
const pageSize = 500;
/** Waits between attempts, in ms: doubled up to the longest, with jitter (client-go's reflector). */
const firstRetryMs = 800;
const longestRetryMs = 30_000;
/** A watch that lasted shorter than this is not begun anew at once. */
const shortWatchMs = 1000;
/** Bound of waiting for one's own writes to be seen, in ms. */
const seenTimeoutMs = 5000;

export class Informer<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly objects = new ObjectStore<T>();
  readonly #client: Client;
  readonly #options: InformerOptions & KeepOption<T>;
  readonly #clock: Clock;
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #waiting = new Set<() => void>();
  #version = "0";
  #synced = false;
  #running = false;
  #failures = 0;
  #watchedAt = 0;
  #stopWatch: StopWatch | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(client: Client, type: ResourceType<T>, options: InformerOptions & KeepOption<T>) {
    this.#client = client;
    this.type = type;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Whether the first list is there. */
  get isSynced(): boolean {
    return this.#synced;
  }

  /** Follows changes; of the objects that are there already it is told as of new ones. @returns how to stop */
  subscribe(handler: InformerHandler<T>): () => void {
    this.#handlers.add(handler);
    if (handler.onAdd) for (const object of this.objects.values()) handler.onAdd(object);
    return () => this.#handlers.delete(handler);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#list();
  }

  stop(): void {
    this.#running = false;
    this.#stopWatch?.();
    this.#cancelRetry?.();
    this.#settle();
  }

  /** Waits for the first list. @param timeoutMs bound of it @returns whether it came */
  async synced(timeoutMs: number): Promise<boolean> {
    return this.#until(() => this.#synced, timeoutMs);
  }

  /**
   * Waits until what was written is among the objects, so that the next plan is made on it.
   *
   * @param written what the server answered
   * @returns whether it came in time
   */
  async saw({ metadata }: Pick<T, "metadata">): Promise<boolean> {
    return this.#until(() => Number(this.#version) >= Number(metadata.resourceVersion), seenTimeoutMs);
  }

  /** Waits until an object is gone, is another of the same name, or is marked as deleted. */
  async sawDeleted(object: Pick<T, "metadata">): Promise<boolean> {
    const key = keyText(object.metadata);
    return this.#until(() => {
      const now = this.objects.get(key)?.metadata;
      return now?.uid !== object.metadata.uid || now.deletionTimestamp !== undefined;
    }, seenTimeoutMs);
  }

  async #until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds()) return true;
    return new Promise((resolve) => {
      const look = (): void => {
        if (holds()) done(true);
        else if (!this.#running) done(false);
      };
      const cancel = this.#clock.after(timeoutMs, () => done(false));
      const done = (came: boolean): void => {
        cancel();
        this.#waiting.delete(look);
        resolve(came);
      };
      this.#waiting.add(look);
    });
  }

  #settle(): void {
    for (const look of [...this.#waiting]) look();
  }

  get #selection(): Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector" | "fields"> {
    const { namespace, labelSelector, fieldSelector, fields } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(fields === undefined ? {} : { fields }),
    };
  }

  get #listed(): ListOptions {
    const { keep, keepLine } = this.#options;
    return {
      ...this.#selection,
      ...(keep === undefined ? {} : { keep }),
      ...(keepLine === undefined ? {} : { keepLine }),
    };
  }

  async #list(): Promise<void> {
    try {
      const version = this.#options.keep ? await this.#listPages() : await this.#listWhole();
      if (!this.#running) return;
      this.#version = version;
      this.#synced = true;
      this.#failures = 0;
      this.#settle();
      this.#watch();
    } catch (error) {
      this.#retry(error, () => void this.#list());
    }
  }

  /** What a new list shows, as the changes that lead there. @returns its version */
  async #listWhole(): Promise<string> {
    const { items, resourceVersion } = await this.#client.list(this.type, this.#listed);
    if (!this.#running) return resourceVersion;
    this.#removeAllBut(new Set(items.map((item) => keyText(keyOf(item)))));
    for (const item of items) this.#put(item);
    return resourceVersion;
  }

  /** Of each page is kept what is kept before the next one is there: what is not kept is never held whole. */
  async #listPages(): Promise<string> {
    // Of the first list nothing can have gone.
    const seen = this.objects.size > 0 ? new Set<string>() : undefined;
    // Asked for before the one in front is looked at: the server's work and ours go on side by side.
    const ahead = new Map<string, Promise<ObjectList<T>>>();
    const ask = (place?: string): Promise<ObjectList<T>> =>
      this.#client.list(this.type, {
        ...this.#listed,
        limit: pageSize,
        ...(place === undefined ? {} : { continue: place }),
        onNext: (behind) => {
          if (!this.#running) return;
          const asked = ask(behind);
          // It is awaited once the one in front is there; where that fails, by nobody.
          asked.catch(() => undefined);
          ahead.set(behind, asked);
        },
      });
    let page = await ask();
    for (;;) {
      if (!this.#running) return page.resourceVersion;
      const place = page.continue;
      const awaited = place === undefined ? undefined : (ahead.get(place) ?? ask(place));
      if (place !== undefined) ahead.delete(place);
      for (const item of page.items) {
        const key = keyText(keyOf(item));
        seen?.add(key);
        this.#put(item, key);
      }
      if (awaited === undefined) break;
      const come = await awaited.catch((error: unknown) => {
        if (!isExpired(error)) throw error;
        return undefined;
      });
      // The pages' version is forgotten: all at once, as client-go's pager.
      if (come === undefined) return this.#listWhole();
      page = come;
    }
    if (seen) this.#removeAllBut(seen);
    return page.resourceVersion;
  }

  #removeAllBut(kept: ReadonlySet<string>): void {
    for (const key of [...this.objects.keys()]) if (!kept.has(key)) this.#remove(key);
  }

  #watch(): void {
    this.#watchedAt = this.#clock.now();
    this.#stopWatch = this.#client.watch(
      this.type,
      { resourceVersion: this.#version, ...this.#selection },
      { onEvent: (event) => this.#onEvent(event), onEnd: (error) => this.#onEnd(error) },
    );
  }

  #onEvent(event: WatchEvent<T>): void {
    this.#failures = 0;
    if (event.type === "BOOKMARK") {
      this.#version = event.resourceVersion;
    } else {
      this.#version = event.object.metadata.resourceVersion;
      if (event.type === "DELETED") this.#remove(keyText(keyOf(event.object)));
      else this.#put(event.object);
    }
    if (this.#waiting.size > 0) this.#settle();
  }

  #onEnd(error: unknown): void {
    this.#stopWatch = undefined;
    if (!this.#running) return;
    const again = (): void => (isExpired(error) ? void this.#list() : this.#watch());
    if (error !== undefined && !isExpired(error)) return this.#retry(error, again);
    const lastedMs = this.#clock.now() - this.#watchedAt;
    if (lastedMs >= shortWatchMs) return again();
    // A version that is forgotten as soon as it was listed: lists that follow one another would not help.
    if (isExpired(error)) return this.#retry(error, again);
    this.#cancelRetry = this.#clock.after(shortWatchMs - lastedMs, again);
  }

  #retry(error: unknown, again: () => void): void {
    if (!this.#running) return;
    this.#options.onError(error);
    const ms = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++) * (1 + Math.random());
    this.#cancelRetry = this.#clock.after(ms, again);
  }

  #put(whole: T, key = keyText(keyOf(whole))): void {
    const object = this.#options.keep ? this.#options.keep(whole) : whole;
    const previous = this.objects.get(key);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.objects.set(object, key);
    // Another object of the same name: the old one's end was not seen.
    const replaced = previous !== undefined && previous.metadata.uid !== object.metadata.uid;
    for (const handler of this.#handlers) {
      if (previous && !replaced) handler.onUpdate?.(previous, object);
      else {
        if (previous) handler.onDelete?.(previous);
        handler.onAdd?.(object);
      }
    }
  }

  #remove(key: string): void {
    const previous = this.objects.delete(key);
    if (!previous) return;
    for (const handler of this.#handlers) handler.onDelete?.(previous);
  }
}
