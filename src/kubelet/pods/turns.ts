/** Work in later turns of the event loop, as much in each as does not hold up what else comes: probes, the API, the server. */

/** What one turn takes, in ms; the work that is over it ends first. */
const turnMs = 10;

export class Turns {
  readonly #now: () => number;
  readonly #waiting: (() => void)[] = [];
  #isDue = false;

  /** @param now in ms, of a clock that only goes on */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** In order. Many pods that are taken up at once, behind a start, are a turn each few of them. */
  add(work: () => void): void {
    this.#waiting.push(work);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#run();
    });
  }

  #run(): void {
    const untilMs = this.#now() + turnMs;
    // What is added meanwhile comes in a turn of its own.
    for (let left = this.#waiting.length; left > 0; left--) {
      this.#waiting.shift()!();
      if (this.#now() >= untilMs) break;
    }
    if (this.#waiting.length > 0) this.#schedule();
  }
}
