/** Time as a port: what waits takes a clock, so that a test moves it. */
export interface Clock {
  /** Wall time in ms since 1970. */
  now(): number;
  /** Calls once after this many ms. @returns how to call it off */
  after(ms: number, call: () => void): () => void;
}

/** setTimeout's bound, in ms; beyond it node calls at once. */
const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  after(ms, call) {
    const timer = setTimeout(call, Math.min(Math.max(0, ms), maxTimerMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
