/** Calls one step after another while there is work, and lets others have their turn in between. */

/** Time that steps take before others have their turn, in ms. */
const sliceMs = 5;

export interface LoopOptions {
  /** @returns whether there was anything to do */
  readonly step: () => boolean;
  /** Nothing may be begun now; wake() is called when that has changed. */
  readonly isBlocked: () => boolean;
}

export class Loop {
  readonly #options: LoopOptions;
  #isRunning = false;
  #isScheduled = false;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    this.wake();
  }

  stop(): void {
    this.#isRunning = false;
  }

  wake(): void {
    if (!this.#isRunning || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const { step, isBlocked } = this.#options;
    const until = performance.now() + sliceMs;
    while (this.#isRunning && !isBlocked()) {
      if (!step()) return;
      if (performance.now() >= until) return this.wake();
    }
  }
}
