/** Waits on a clock that can be cut short, so that whoever stops need not sit them out. */
import type { Clock } from "./clock.ts";

export class Pauses {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits this many ms, or until {@link wake}. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done);
      this.#waiting.add(done);
    });
  }

  /** Ends every pause that is under way. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

/** Waits for the work, but no longer than so many ms. @param work what does not fail */
export function within(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    void work.then(cancel).then(resolve);
  });
}
