/** Items by key, and in the order of their keys. Insertion moves an array's tail: fast up to some 100,000 items. */
export class SortedItems<T extends { readonly key: string }> {
  readonly #byKey = new Map<string, T>();
  #sorted: T[] = [];

  get size(): number {
    return this.#sorted.length;
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  /** @returns the item that stood under the key before */
  set(item: T): T | undefined {
    const previous = this.#byKey.get(item.key);
    this.#byKey.set(item.key, item);
    this.#sorted.splice(this.#find(item.key), previous ? 1 : 0, item);
    return previous;
  }

  /** @returns the item that was there */
  delete(key: string): T | undefined {
    const previous = this.#byKey.get(key);
    if (!previous) return undefined;
    this.#byKey.delete(key);
    this.#sorted.splice(this.#find(key), 1);
    return previous;
  }

  /** Takes these items, which are in the order of their keys, in place of all others. */
  replace(items: readonly T[]): void {
    this.#byKey.clear();
    for (const item of items) this.#byKey.set(item.key, item);
    this.#sorted = [...items];
  }

  /** The items whose keys start with the prefix, in order, those behind `after` alone where it is given. */
  withPrefix(prefix: string, after?: string): T[] {
    const from = this.#find(after === undefined ? prefix : `${after}\0`);
    return this.#sorted.slice(from, this.#endOf(prefix, from));
  }

  /** Where the keys with the prefix end that stand from `from` on, all together. */
  #endOf(prefix: string, from: number): number {
    let low = from;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]!.key.startsWith(prefix)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the key stands, or would stand. Names are ASCII: UTF-16 order is byte order. */
  #find(key: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]!.key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
