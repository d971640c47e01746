/**
 * Keys that wait to be reconciled (client-go, util/workqueue): a key is there once, is never worked on twice
 * at the same time, and comes again later the more often it fails. The number of keys is bounded by the
 * number of objects that there are.
 */
import { systemClock, type Clock } from "./clock.ts";

/** What a reconciliation asks for: to be called again after this many ms, or nothing. */
export type Outcome = { readonly againAfterMs: number } | undefined;

export interface WorkQueueOptions {
  /** Brings one key's object to what is wanted; what it throws is retried. */
  readonly reconcile: (key: string) => Promise<Outcome>;
  /** Keys that are worked on at one time; default 5, upstream's --concurrent-*-syncs. */
  readonly workers?: number;
  /** Told of each failure before it is retried. */
  readonly onError: (key: string, error: unknown, failures: number) => void;
  readonly clock?: Clock;
  /** First and longest wait after a failure, in ms; default upstream's 5 ms and 1,000 s. */
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

interface Delayed {
  readonly due: number;
  readonly cancel: () => void;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #clock: Clock;
  readonly #workers: number;
  readonly #waiting = new Set<string>();
  readonly #active = new Set<string>();
  /** Added while they were worked on: once more. */
  readonly #dirty = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #idle: (() => void)[] = [];
  #scheduled = false;
  #paused = true;
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#workers = options.workers ?? 5;
  }

  /** Keys that wait or are worked on, delayed ones not among them. */
  get length(): number {
    return this.#waiting.size + this.#active.size;
  }

  /** Begins to work; what was added before has waited. */
  start(): void {
    this.#paused = false;
    this.#schedule();
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#active.has(key)) {
      this.#dirty.add(key);
      return;
    }
    this.#waiting.add(key);
    this.#schedule();
  }

  /** Adds later; of several times the earliest holds. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    if (ms <= 0) return this.add(key);
    const due = this.#clock.now() + ms;
    const earlier = this.#delayed.get(key);
    if (earlier && earlier.due <= due) return;
    earlier?.cancel();
    const cancel = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { due, cancel });
  }

  /** Takes nothing new and waits for what is being worked on. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    this.#dirty.clear();
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Work begins in a later turn, so that events of one turn become one reconciliation. */
  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#waiting.size === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#take();
    });
  }

  #take(): void {
    for (const key of this.#waiting) {
      if (this.#active.size >= this.#workers) return;
      this.#waiting.delete(key);
      this.#active.add(key);
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    try {
      const outcome = await this.#options.reconcile(key);
      this.#failures.delete(key);
      if (outcome) this.addAfter(key, outcome.againAfterMs);
    } catch (error) {
      this.#retry(key, error);
    } finally {
      this.#active.delete(key);
      if (this.#dirty.delete(key)) this.#waiting.add(key);
      this.#schedule();
      if (this.#stopped && this.#active.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #retry(key: string, error: unknown): void {
    const { firstMs, maxMs } = this.#options.backoff ?? { firstMs: 5, maxMs: 1_000_000 };
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#options.onError(key, error, failures);
    this.addAfter(key, Math.min(maxMs, firstMs * 2 ** (failures - 1)));
  }
}
