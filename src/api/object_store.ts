/** Objects by key, with indexes (client-go, tools/cache Indexer): look-ups cost what they find. */
import type { KubeObject } from "../model/kubernetes.ts";
import { keyOf, keyText } from "./client.ts";

/** Values under which an object is found. */
export type IndexValues<T> = (object: T) => readonly string[];

export interface Index<T> {
  get(value: string): readonly T[];
}

export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: StoredIndex<T>[] = [];
  /** Made when somebody asks for it: most never do, and it has an entry for each object. */
  #namespaces: StoredIndex<T> | undefined;

  /** Finds objects by values of their own; objects that are there already are found too. */
  addIndex(valuesOf: IndexValues<T>): StoredIndex<T> {
    const index = new StoredIndex(valuesOf);
    for (const [key, object] of this.#objects) index.add(key, object);
    this.#indexes.push(index);
    return index;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** @param key as keyText gives it */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  inNamespace(namespace: string): readonly T[] {
    this.#namespaces ??= this.addIndex(({ metadata }) => [metadata.namespace ?? ""]);
    return this.#namespaces.get(namespace);
  }

  /** @param key as keyText gives it @returns what it takes the place of */
  set(object: T, key = keyText(keyOf(object))): T | undefined {
    const previous = this.delete(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes) index.add(key, object);
    return previous;
  }

  /** @returns what was there */
  delete(key: string): T | undefined {
    const previous = this.#objects.get(key);
    if (!previous) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes) index.delete(key, previous);
    return previous;
  }
}

export class StoredIndex<T extends KubeObject> implements Index<T> {
  readonly #valuesOf: IndexValues<T>;
  /** Of a value that one object has, as most have, that object alone: a map for each would be larger than it. */
  readonly #byValue = new Map<string, T | Map<string, T>>();

  constructor(valuesOf: IndexValues<T>) {
    this.#valuesOf = valuesOf;
  }

  get(value: string): readonly T[] {
    const found = this.#byValue.get(value);
    if (found === undefined) return [];
    return found instanceof Map ? [...found.values()] : [found];
  }

  /** How many get() would find. */
  count(value: string): number {
    const found = this.#byValue.get(value);
    return found instanceof Map ? found.size : Number(found !== undefined);
  }

  add(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const found = this.#byValue.get(value);
      if (found instanceof Map) found.set(key, object);
      else if (found === undefined || keyText(keyOf(found)) === key) this.#byValue.set(value, object);
      else this.#byValue.set(value, new Map([[keyText(keyOf(found)), found]]).set(key, object));
    }
  }

  delete(key: string, object: T): void {
    for (const value of this.#valuesOf(object)) {
      const found = this.#byValue.get(value);
      if (found === undefined) continue;
      if (found instanceof Map) {
        found.delete(key);
        if (found.size === 0) this.#byValue.delete(value);
      } else if (keyText(keyOf(found)) === key) this.#byValue.delete(value);
    }
  }
}
