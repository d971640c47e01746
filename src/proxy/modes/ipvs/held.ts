/** What several may want, each by its key. Who is first by name has it said; what changes is noted. */

interface Wanting<T> {
  readonly owner: string;
  readonly value: T;
}

export interface Change<T> {
  readonly key: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
}

export class Held<T> {
  /** Nearly always one; sorted. */
  readonly #wanted = new Map<string, readonly Wanting<T>[]>();
  /** Of keys that changed since {@link takeChanges}: what stood there. */
  #before = new Map<string, T | undefined>();

  get(key: string): T | undefined {
    return this.#wanted.get(key)?.[0]!.value;
  }

  /** All keys, each with what it has. */
  *entries(): Iterable<readonly [string, T]> {
    for (const [key, [first]] of this.#wanted) yield [key, first!.value];
  }

  add(key: string, owner: string, value: T): void {
    this.#note(key);
    const others = this.#wanted.get(key);
    this.#wanted.set(key, others ? [...others, { owner, value }].sort(byOwner) : [{ owner, value }]);
  }

  remove(key: string, owner: string): void {
    this.#note(key);
    const left = (this.#wanted.get(key) ?? []).filter((wanting) => wanting.owner !== owner);
    if (left.length === 0) this.#wanted.delete(key);
    else this.#wanted.set(key, left);
  }

  /** Whether no key was touched since {@link takeChanges}. */
  get isClean(): boolean {
    return this.#before.size === 0;
  }

  /** Of keys that were touched since the last call; what they have may be the same. From here on it is another change. */
  takeChanges(): readonly Change<T>[] {
    const changes = Array.from(this.#before, ([key, before]) => ({ key, before, after: this.get(key) }));
    this.#before = new Map();
    return changes;
  }

  #note(key: string): void {
    if (!this.#before.has(key)) this.#before.set(key, this.get(key));
  }
}

function byOwner(a: Wanting<unknown>, b: Wanting<unknown>): number {
  return a.owner < b.owner ? -1 : a.owner > b.owner ? 1 : 0;
}
