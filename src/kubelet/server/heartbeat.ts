/** Whether what keeps the pods goes on: its timers come in time (pkg/kubelet, SyncLoopHealthCheck). */
import type { Clock } from "../../reconcile/clock.ts";
import type { Check } from "./health.ts";

export interface Timers {
  after(ms: number, call: () => void): () => void;
}

const beatMs = 5000;
/** upstream: twice a resync, and two minutes at the least. */
const longestMs = 120_000;

/** Ends with the timers themselves. */
export function heartbeat(timers: Timers, clock: Clock): Check {
  let lastMs = clock.now();
  const beat = (): void => {
    lastMs = clock.now();
    timers.after(beatMs, beat);
  };
  timers.after(beatMs, beat);
  return () => (clock.now() - lastMs > longestMs ? "sync Loop took longer than expected" : undefined);
}
