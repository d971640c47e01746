/** A loop on a clock: turns of work, one at a time, each a while behind the last. */
import type { Clock } from "./clock.ts";

export class Periodic {
  readonly #clock: Clock;
  readonly #turn: () => Promise<number>;
  #cancel: (() => void) | undefined;
  #isBusy = false;
  /** Asked for while a turn was under way. */
  #soonMs: number | undefined;
  #isStopped = false;

  /** @param turn what does not fail; resolves to the ms until the next */
  constructor(clock: Clock, turn: () => Promise<number>) {
    this.#clock = clock;
    this.#turn = turn;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Begins at once. Resolves when the first turn is done. */
  start(): Promise<void> {
    return this.#run();
  }

  /** Ends the wait, and lets no other turn begin; one that is under way comes to its end. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  /** The next turn begins so many ms from now, or from the end of the one that is under way. */
  soon(ms = 0): void {
    if (this.#isBusy) this.#soonMs = ms;
    else if (this.#cancel) this.#next(ms);
  }

  async #run(): Promise<void> {
    if (this.#isStopped || this.#isBusy) return;
    this.#isBusy = true;
    this.#soonMs = undefined;
    const ms = await this.#turn();
    this.#isBusy = false;
    this.#next(this.#soonMs ?? ms);
  }

  #next(ms: number): void {
    this.#cancel?.();
    if (this.#isStopped) return;
    if (ms > 0) this.#cancel = this.#clock.after(ms, () => void this.#run());
    else void this.#run();
  }
}
