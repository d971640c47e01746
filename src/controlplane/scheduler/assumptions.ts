/** Pods that were bound and that the API has not shown yet: past a bound they count no more. */
import type { Clock } from "../../reconcile/clock.ts";

/** From the end of the binding, in ms. A watch that lags more than this is broken. */
const longestMs = 30_000;

export class Assumptions {
  readonly #clock: Clock;
  readonly #onExpired: (uid: string) => void;
  readonly #timers = new Map<string, () => void>();

  constructor(clock: Clock, onExpired: (uid: string) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** The binding succeeded: the API must show it soon. */
  bound(uid: string): void {
    this.settled(uid);
    const cancel = this.#clock.after(longestMs, () => {
      this.#timers.delete(uid);
      this.#onExpired(uid);
    });
    this.#timers.set(uid, cancel);
  }

  settled(uid: string): void {
    this.#timers.get(uid)?.();
    this.#timers.delete(uid);
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }
}
