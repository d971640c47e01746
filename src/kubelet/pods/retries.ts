/** Steps that failed wait before they are tried again: longer each time. */
import type { Clock } from "../../reconcile/clock.ts";

const firstMs = 250;
const longestMs = 15_000;

export class Retries {
  readonly #clock: Clock;
  readonly #failures = new Map<string, number>();
  readonly #held = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  holds(key: string): boolean {
    return this.#held.has(key);
  }

  /** It may be tried at once: what it failed by has changed. */
  release(key: string): void {
    this.#held.get(key)?.();
    this.#held.delete(key);
    this.#failures.delete(key);
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }

  /** @param again called when it may be tried again */
  failed(key: string, again: () => void): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const cancel = this.#clock.after(Math.min(longestMs, firstMs * 2 ** failures), () => {
      this.#held.delete(key);
      again();
    });
    this.#held.set(key, cancel);
  }

  stop(): void {
    for (const cancel of this.#held.values()) cancel();
    this.#held.clear();
  }
}
