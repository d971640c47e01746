/** Entries by who wants them: a change of one node is a change of its keys. */
import { keyOf, sameEntry, type Entry } from "./state.ts";

export class WantedEntries {
  readonly #byOwner = new Map<string, readonly Entry[]>();
  /** Several nodes may claim one podCIDR or MAC address: the first by name has it. */
  readonly #claims = new Map<string, Map<string, Entry>>();
  readonly #changed: (key: string) => void;

  /** @param changed is told of keys whose entry came, went or became another */
  constructor(changed: (key: string) => void) {
    this.#changed = changed;
  }

  get(key: string): Entry | undefined {
    const claims = this.#claims.get(key);
    if (!claims) return undefined;
    if (claims.size === 1) return claims.values().next().value;
    return claims.get([...claims.keys()].sort()[0]!);
  }

  keys(): Iterable<string> {
    return this.#claims.keys();
  }

  get size(): number {
    return this.#claims.size;
  }

  /** @param entries of one key each; none: the owner is gone */
  set(owner: string, entries: readonly Entry[]): void {
    const before = this.#byOwner.get(owner) ?? [];
    const after = new Map(entries.map((entry) => [keyOf(entry), entry]));
    for (const entry of before) if (!after.has(keyOf(entry))) this.#claim(owner, keyOf(entry), undefined);
    for (const [key, entry] of after) this.#claim(owner, key, entry);
    if (entries.length === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, entries);
  }

  #claim(owner: string, key: string, entry: Entry | undefined): void {
    const was = this.get(key);
    const claims = this.#claims.get(key) ?? new Map<string, Entry>();
    if (entry) claims.set(owner, entry);
    else claims.delete(owner);
    if (claims.size === 0) this.#claims.delete(key);
    else this.#claims.set(key, claims);
    const is = this.get(key);
    if (was === is || (was && is && sameEntry(was, is))) return;
    this.#changed(key);
  }
}
