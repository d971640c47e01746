/** How long a node takes to come up: told once, of a node that this kubelet has registered (node_startup_latency_tracker.go). */
import type { NodeMetrics } from "./metrics.ts";

export class NodeStartup {
  readonly #metrics: Pick<NodeMetrics, "startup">;
  readonly #bootMs: number;
  readonly #startMs: number;
  readonly #now: () => number;
  #attemptedMs: number | undefined;
  #registeredMs: number | undefined;
  #isReady = false;

  /** @param now in ms since 1970, as the other two */
  constructor(metrics: Pick<NodeMetrics, "startup">, times: { bootMs: number; startMs: number }, now: () => number) {
    this.#metrics = metrics;
    this.#bootMs = times.bootMs;
    this.#startMs = times.startMs;
    this.#now = now;
  }

  attempted(): void {
    this.#attemptedMs ??= this.#now();
  }

  /** Its object is new. */
  registered(): void {
    if (this.#attemptedMs === undefined || this.#registeredMs !== undefined) return;
    this.#registeredMs = this.#now();
    this.#metrics.startup({
      preKubelet: (this.#startMs - this.#bootMs) / 1000,
      preRegistration: (this.#attemptedMs - this.#startMs) / 1000,
      registration: (this.#registeredMs - this.#attemptedMs) / 1000,
    });
  }

  ready(): void {
    if (this.#registeredMs === undefined || this.#isReady) return;
    this.#isReady = true;
    const now = this.#now();
    this.#metrics.startup({
      postRegistration: (now - this.#registeredMs) / 1000,
      total: (now - this.#bootMs) / 1000,
    });
  }
}
