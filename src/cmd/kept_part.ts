/** A part that begins anew, later each time, when it cannot begin: others beside it do not notice. */
import type { Clock } from "../reconcile/clock.ts";
import type { RunningPart } from "./part.ts";

export interface KeptPartOptions {
  readonly name: string;
  readonly start: () => RunningPart;
  readonly clock: Clock;
  /** It could not begin; it is started again after the wait. */
  readonly onFailed: (error: unknown, waitMs: number) => void;
}

const firstWaitMs = 1000;
const maxWaitMs = 60_000;

export class KeptPart {
  /** Resolves at its first success. */
  readonly ready: Promise<void>;
  readonly #options: KeptPartOptions;
  #part: RunningPart | undefined;
  #isStopped = false;
  #cancelWait: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #onReady!: () => void;

  constructor(options: KeptPartOptions) {
    this.#options = options;
    this.ready = new Promise((resolve) => (this.#onReady = resolve));
    this.#start(firstWaitMs);
  }

  #start(waitMs: number): void {
    if (this.#isStopped) return;
    const part = this.#options.start();
    this.#part = part;
    part.ready.then(
      () => this.#onReady(),
      (error: unknown) => {
        if (this.#isStopped) return;
        this.#options.onFailed(error, waitMs);
        // What it holds (ports, a socket) is given back before it begins anew.
        this.#turn = part.stop().catch(() => undefined);
        void this.#turn.then(() => {
          if (this.#isStopped) return;
          const next = Math.min(2 * waitMs, maxWaitMs);
          this.#cancelWait = this.#options.clock.after(waitMs, () => this.#start(next));
        });
      },
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelWait?.();
    await this.#turn;
    await this.#part?.stop();
  }
}
