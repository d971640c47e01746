/** Changes that can be taken back: what makes the fake's transactions whole or nothing. */
export class Journal {
  readonly #undo: (() => void)[] = [];

  assign<T extends object, K extends keyof T>(target: T, name: K, value: T[K]): void {
    const old = target[name];
    target[name] = value;
    this.#undo.push(() => (target[name] = old));
  }

  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const old = map.get(key);
    map.set(key, value);
    this.#undo.push(() => (old === undefined ? map.delete(key) : map.set(key, old)));
  }

  remove<K, V>(map: Map<K, V>, key: K): void {
    const old = map.get(key);
    if (old === undefined) return;
    map.delete(key);
    this.#undo.push(() => map.set(key, old));
  }

  insert<T>(list: T[], at: number, item: T): void {
    list.splice(at, 0, item);
    this.#undo.push(() => list.splice(at, 1));
  }

  removeAt<T>(list: T[], at: number): void {
    const [old] = list.splice(at, 1);
    this.#undo.push(() => list.splice(at, 0, old as T));
  }

  rollback(): void {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) undo();
  }
}
