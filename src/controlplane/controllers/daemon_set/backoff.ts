/** How long a failed pod on a node is left before it is replaced (client-go, util/flowcontrol Backoff). */

const firstMs = 1000;
const longestMs = 15 * 60_000;

interface Entry {
  readonly delayMs: number;
  readonly sinceMs: number;
}

/** Of one DaemonSet; a new generation of it starts anew. The number of entries is bounded by the nodes'. */
export class FailedPodBackoff {
  #generation: number | undefined;
  readonly #entries = new Map<string, Entry>();

  /** How long yet. @param generation the last that was observed */
  remainingMs(node: string, generation: number | undefined, nowMs: number): number {
    this.#renew(generation);
    const entry = this.#entries.get(node);
    return entry ? Math.max(0, entry.sinceMs + entry.delayMs - nowMs) : 0;
  }

  /** A pod is replaced now: the next waits twice as long, unless this one had lasted. */
  next(node: string, generation: number | undefined, nowMs: number): void {
    this.#renew(generation);
    const entry = this.#entries.get(node);
    const isForgotten = !entry || nowMs - entry.sinceMs > 2 * longestMs;
    const delayMs = isForgotten ? firstMs : Math.min(longestMs, entry.delayMs * 2);
    this.#entries.set(node, { delayMs, sinceMs: nowMs });
  }

  #renew(generation: number | undefined): void {
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#entries.clear();
  }
}
