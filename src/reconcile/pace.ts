/** Long work on the event loop, in slices. */
import { setImmediate } from "node:timers/promises";

const sliceMs = 10;

/** Lets the event loop turn whenever a slice of work has gone by. */
export class Pace {
  #started = performance.now();

  /** Call between two pieces of work, each of them short. */
  async next(): Promise<void> {
    if (performance.now() - this.#started < sliceMs) return;
    await setImmediate();
    this.#started = performance.now();
  }
}
