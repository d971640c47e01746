/**
 * Whose turn it is. The specification lets a runtime run operations of different containers at the same time, and none
 * beside a GC; that it never runs two for one container is its promise, which a runtime that gave up on a call, and
 * calls again, does not keep. So: calls for one key in the order of their coming, at most `limit` calls at a time, and
 * an exclusive one alone, before those that came after it.
 */
export class Turns {
  readonly #limit: number;
  readonly #maxWaiting: number;
  #waiting: Waiting[] = [];
  readonly #busyKeys = new Set<string>();
  #running = 0;
  #exclusive = false;

  constructor({ limit, maxWaiting }: { readonly limit: number; readonly maxWaiting: number }) {
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * Runs `work` when its turn has come.
   *
   * @param key undefined for work that runs alone
   * @param refusal what is thrown when too much waits already, or when the turns end before this one
   */
  async run<T>(key: string | undefined, work: () => Promise<T>, refusal: () => Error): Promise<T> {
    await this.#turn(key, refusal);
    try {
      return await work();
    } finally {
      this.#running--;
      if (key === undefined) this.#exclusive = false;
      else this.#busyKeys.delete(key);
      this.#next();
    }
  }

  /** Refuses what waits. What runs goes on. */
  end(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { refuse } of waiting) refuse();
  }

  #turn(key: string | undefined, refusal: () => Error): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) return Promise.reject(refusal());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, start: resolve, refuse: () => reject(refusal()) });
      this.#next();
    });
  }

  #next(): void {
    const left: Waiting[] = [];
    let closed = this.#exclusive;
    for (const waiting of this.#waiting) {
      if (!closed && this.#mayStart(waiting)) {
        this.#start(waiting);
        closed = this.#exclusive;
        continue;
      }
      left.push(waiting);
      if (waiting.key === undefined) closed = true;
    }
    this.#waiting = left;
  }

  #mayStart({ key }: Waiting): boolean {
    if (this.#running >= this.#limit) return false;
    if (key === undefined) return this.#running === 0;
    return !this.#busyKeys.has(key);
  }

  #start({ key, start }: Waiting): void {
    this.#running++;
    if (key === undefined) this.#exclusive = true;
    else this.#busyKeys.add(key);
    start();
  }
}

interface Waiting {
  readonly key: string | undefined;
  readonly start: () => void;
  readonly refuse: () => void;
}
