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

/** Long work that stops between its pieces, each of them short. Pieces may be tiny: the clock is not asked at each. */
export async function paced<T>(work: Generator<void, T, void>): Promise<T> {
  const pace = new Pace();
  for (;;) {
    for (let i = 0; i < piecesPerLook; i++) {
      const { done, value } = work.next();
      if (done) return value;
    }
    await pace.next();
  }
}

const piecesPerLook = 50;
