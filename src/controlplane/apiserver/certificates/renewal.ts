/** Certificates that are renewed while the server runs. */

/** How often it is looked whether one is due, in ms. */
const lookEveryMs = 60 * 60 * 1000;

export interface RenewalOptions {
  /** Renews what is due and puts it into use. */
  readonly renew: () => Promise<void>;
  /** A renewal failed; it is tried again at the next look. */
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}

/** Looks now and then until it is stopped; it keeps no process alive. */
export class Renewal {
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> = Promise.resolve();

  constructor({ renew, onError, everyMs = lookEveryMs }: RenewalOptions) {
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(renew).catch(onError);
    }, everyMs);
    this.#timer.unref();
  }

  /** Waits for a renewal that is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
