/** Many timers on one: those of a tenth of a second go together. */
import type { Clock } from "../../reconcile/clock.ts";

const slotMs = 100;

export class TimerWheel {
  readonly #clock: Clock;
  readonly #slots = new Map<number, Set<() => void>>();
  #cancel: (() => void) | undefined;
  #next = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return [...this.#slots.values()].reduce((sum, calls) => sum + calls.size, 0);
  }

  /** Calls once after at least this many ms, and at most a slot later. @returns how to call it off */
  after(ms: number, call: () => void): () => void {
    const slot = Math.ceil((this.#clock.now() + ms) / slotMs);
    const calls = this.#slots.get(slot) ?? new Set();
    this.#slots.set(slot, calls);
    calls.add(call);
    if (slot < this.#next) this.#arm(slot);
    return () => {
      calls.delete(call);
      if (calls.size === 0 && this.#slots.get(slot) === calls) this.#slots.delete(slot);
      if (this.#slots.size === 0) this.stop();
    };
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#next = Infinity;
  }

  #arm(slot: number): void {
    this.#cancel?.();
    this.#next = slot;
    this.#cancel = this.#clock.after(slot * slotMs - this.#clock.now(), () => this.#turn());
  }

  #turn(): void {
    this.#next = Infinity;
    const now = this.#clock.now() / slotMs;
    const due = [...this.#slots].filter(([slot]) => slot <= now);
    for (const [slot] of due) this.#slots.delete(slot);
    for (const [, calls] of due) for (const call of calls) call();
    const next = Math.min(...this.#slots.keys());
    if (next < this.#next) this.#arm(next);
  }
}
