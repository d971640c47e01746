/**
 * When the proxy works: soon after something asks for it, never twice at a time, not more often than the
 * configuration allows, and later the more often it fails (upstream: async.BoundedFrequencyRunner).
 */
import type { Clock } from "../../reconcile/clock.ts";

export interface TurnsOptions {
  readonly turn: () => Promise<void>;
  /** minSyncPeriod: two turns may follow one another at once, then one each period. 0: no bound. */
  readonly minPeriodMs: number;
  /** Told of each failure before it is retried. @returns nothing */
  readonly onError: (error: unknown, failures: number) => void;
  readonly clock: Clock;
  /** Longest wait after a failure, in ms. */
  readonly maxRetryMs: number;
}

/** Turns that may follow one another at once (upstream: burstSyncs). */
const burst = 2;
const firstRetryMs = 100;

export class Turns {
  readonly #options: TurnsOptions;
  /** Turns that may be taken now, as of `#countedAt`. */
  #tokens = burst;
  #countedAt: number;
  #running: Promise<void> | undefined;
  #wanted = false;
  #failures = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#countedAt = options.clock.now();
  }

  /** Everything that asks in one turn of the event loop becomes one turn of work. */
  request(): void {
    if (this.#wanted || this.#stopped) return;
    this.#wanted = true;
    if (!this.#running && !this.#cancel) this.#schedule();
  }

  /** Takes no new turn, and waits for the one that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#running;
  }

  #schedule(): void {
    const ms = this.#waitMs();
    if (ms > 0) this.#cancel = this.#options.clock.after(ms, () => this.#begin());
    else {
      const immediate = setImmediate(() => this.#begin());
      this.#cancel = () => clearImmediate(immediate);
    }
  }

  #begin(): void {
    this.#cancel = undefined;
    this.#wanted = false;
    this.#refill();
    this.#tokens -= 1;
    this.#running = this.#take().finally(() => {
      this.#running = undefined;
      if (this.#wanted && !this.#cancel && !this.#stopped) this.#schedule();
    });
  }

  async #take(): Promise<void> {
    const { turn, onError, clock, maxRetryMs } = this.#options;
    try {
      await turn();
      this.#failures = 0;
    } catch (error) {
      onError(error, ++this.#failures);
      if (this.#stopped) return;
      this.#wanted = true;
      const ms = Math.min(maxRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
      this.#cancel = clock.after(ms, () => this.#begin());
    }
  }

  #refill(): void {
    const { minPeriodMs, clock } = this.#options;
    const now = clock.now();
    const gained = minPeriodMs === 0 ? burst : Math.max(0, now - this.#countedAt) / minPeriodMs;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#countedAt = now;
  }

  #waitMs(): number {
    this.#refill();
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#options.minPeriodMs);
  }
}
