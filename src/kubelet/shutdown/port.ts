/** What tells that the machine goes down, and can hold it up for a while. */

export interface ShutdownPort {
  /** How long a lock can hold the machine's end up, in ms; it is made longer where it is shorter. */
  prepare(wantedMs: number): Promise<number>;
  /** From now on the machine's end waits for `release`. */
  inhibit(): Promise<ShutdownLock>;
  /** Calls with true when the machine is about to go down, with false when that was called off. @returns how to stop */
  watch(changed: (isGoingDown: boolean) => void, lost: (error: Error) => void): () => void;
}

export interface ShutdownLock {
  release(): void;
}
