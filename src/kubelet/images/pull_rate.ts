/** How many pulls may begin in a second: a bucket of tokens (registryPullQPS, registryBurst; client-go flowcontrol). */
import type { Clock } from "../../reconcile/clock.ts";

export class PullRate {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #tokens: number;
  #filledAtMs: number;

  /** @param perSecond 0: as many as there are */
  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#tokens = burst;
    this.#filledAtMs = clock.now();
  }

  /** @returns whether one more may begin now */
  take(): boolean {
    if (this.#perSecond === 0) return true;
    const nowMs = this.#clock.now();
    const gained = (Math.max(0, nowMs - this.#filledAtMs) * this.#perSecond) / 1000;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
