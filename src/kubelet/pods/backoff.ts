/** Waits that double (client-go, util/flowcontrol Backoff), as values: what was, and when, gives what is. */

export interface Backoff {
  readonly delayMs: number;
  readonly updatedAtMs: number;
}

export interface BackoffBounds {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** It is forgotten after twice the longest wait without trouble. */
function isForgotten({ updatedAtMs }: Backoff, eventMs: number, { maxMs }: BackoffBounds): boolean {
  return eventMs - updatedAtMs > 2 * maxMs;
}

/** @returns when the wait behind the event ends, where one holds */
export function waitsUntil(
  backoff: Backoff | undefined,
  eventMs: number,
  nowMs: number,
  bounds: BackoffBounds,
): number | undefined {
  if (!backoff || isForgotten(backoff, eventMs, bounds)) return undefined;
  const until = eventMs + Math.min(backoff.delayMs, bounds.maxMs);
  return nowMs < until ? until : undefined;
}

/** The wait after one more event. */
export function nextBackoff(
  backoff: Backoff | undefined,
  eventMs: number,
  nowMs: number,
  bounds: BackoffBounds,
): Backoff {
  const isNew = !backoff || isForgotten(backoff, eventMs, bounds);
  const delayMs = isNew ? bounds.firstMs : Math.min(backoff.delayMs * 2, bounds.maxMs);
  return { delayMs: Math.min(delayMs, bounds.maxMs), updatedAtMs: nowMs };
}

/** As Go prints durations of whole seconds: "10s", "1m20s", "5m0s". */
export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds}s`;
  const rest = `${Math.floor(seconds / 60) % 60}m${seconds % 60}s`;
  return seconds < 3600 ? rest : `${Math.floor(seconds / 3600)}h${rest}`;
}
