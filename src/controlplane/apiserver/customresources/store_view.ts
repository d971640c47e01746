/**
 * The store as one definition sees it: every object in the storage version of now, pruned and
 * defaulted by its schema, whatever version and schema it was written under. Nothing is rewritten:
 * an object changes in the store when somebody writes it.
 */
import type { Item, RangeOptions, Store, StoreWatch, WatchObserver, WriteOptions } from "../../store/store.ts";
import { parseObject, storedBytes } from "../storage/object_bytes.ts";
import type { Schema } from "./schema/compile.ts";
import { setDefaults } from "./schema/defaults.ts";
import { prune } from "./schema/prune.ts";

export class StoreView implements Store {
  readonly #store: Store;
  readonly #apiVersion: string;
  readonly #schema: Schema;

  /** @param apiVersion of the storage version, "stable.example.com/v1" */
  constructor(store: Store, apiVersion: string, schema: Schema) {
    this.#store = store;
    this.#apiVersion = apiVersion;
    this.#schema = schema;
  }

  async get(key: string) {
    const item = await this.#store.get(key);
    return item && this.#read(item);
  }

  async range(options: RangeOptions) {
    const page = await this.#store.range(options);
    return { ...page, items: page.items.map((item) => this.#read(item)) };
  }

  watch(prefix: string, afterRevision: number, observer: WatchObserver): StoreWatch {
    return this.#store.watch(prefix, afterRevision, {
      onEvents: (events, revision) => {
        const read = events.map((event) => (event.type === "put" ? { ...event, item: this.#read(event.item) } : event));
        observer.onEvents(read, revision);
      },
      onEnd: (error) => observer.onEnd(error),
    });
  }

  create(key: string, value: Buffer, options?: WriteOptions): Promise<number> {
    return this.#store.create(key, value, options);
  }

  update(key: string, value: Buffer, expectedRevision: number, options?: WriteOptions): Promise<number> {
    return this.#store.update(key, value, expectedRevision, options);
  }

  delete(key: string, expectedRevision: number): Promise<number> {
    return this.#store.delete(key, expectedRevision);
  }

  revision(): Promise<number> {
    return this.#store.revision();
  }

  delivered(): number | undefined {
    return this.#store.delivered();
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  /** The store is not the view's own. */
  async close(): Promise<void> {}

  #read(item: Item): Item {
    const object = parseObject(item.value);
    object.apiVersion = this.#apiVersion;
    prune(object, this.#schema, true);
    setDefaults(object, this.#schema);
    return { ...item, value: storedBytes(object) };
  }
}
