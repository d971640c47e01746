/** Answers that hold for a time, the latest asked for within a bound; those who ask the same at once ask once. */
export class TtlCache<T> {
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();
  readonly #asked = new Map<string, Promise<T>>();
  readonly #size: number;
  readonly #now: () => number;

  constructor(size: number, now: () => number) {
    this.#size = size;
    this.#now = now;
  }

  /** What fails is not kept. @param ttlMs of an answer; 0: it is not kept */
  async get(key: string, ask: () => Promise<T>, ttlMs: (value: T) => number): Promise<T> {
    const known = this.#entries.get(key);
    if (known && known.untilMs > this.#now()) return known.value;
    this.#entries.delete(key);
    let asked = this.#asked.get(key);
    if (!asked) {
      asked = ask().finally(() => this.#asked.delete(key));
      this.#asked.set(key, asked);
    }
    const value = await asked;
    this.#keep(key, value, ttlMs(value));
    return value;
  }

  #keep(key: string, value: T, ttlMs: number): void {
    if (ttlMs <= 0) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: this.#now() + ttlMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#size && oldest !== undefined) this.#entries.delete(oldest);
  }
}
