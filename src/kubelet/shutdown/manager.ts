/** Ends pods in their order before the machine goes down, and takes no new ones meanwhile (pkg/kubelet/nodeshutdown). */
import type { Clock } from "../../reconcile/clock.ts";
import type { Evictable } from "../eviction/manager.ts";
import type { Failure } from "../pods/status/input.ts";
import type { Rejection } from "../admission/rejection.ts";
import type { ShutdownTimes } from "./times.ts";
import { graceOf, shutdownGroups, shutdownPeriods, shutdownSeconds, type ShutdownSettings } from "./plan.ts";
import type { ShutdownLock, ShutdownPort } from "./port.ts";

export interface ShutdownOptions {
  readonly settings: ShutdownSettings;
  readonly port: ShutdownPort;
  readonly pods: () => readonly Evictable[];
  /** The node's status, and what it lets in, are others now. */
  readonly onChange: (isGoingDown: boolean) => void;
  readonly times?: ShutdownTimes;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
}

const message = "Pod was terminated in response to imminent node shutdown.";
const failure: Failure = { reason: "Terminated", message, disruption: message };
const rejection: Rejection = { reason: "NodeShutdown", message: "Pod was rejected as the node is shutting down." };

const retryMs = 5000;
/** Between two looks at pods that end, in ms. */
const lookMs = 50;

export class ShutdownManager {
  readonly #options: ShutdownOptions;
  readonly #periods;
  #lock: ShutdownLock | undefined;
  #stopWatch: (() => void) | undefined;
  #cancel: (() => void) | undefined;
  #isGoingDown = false;
  #isStopped = false;

  constructor(options: ShutdownOptions) {
    this.#options = options;
    this.#periods = shutdownPeriods(options.settings);
  }

  /** Why the node is not ready. */
  get problems(): readonly string[] {
    return this.#isGoingDown ? ["node is shutting down"] : [];
  }

  /** What a pod that comes now is told. */
  get rejection(): Rejection | undefined {
    return this.#isGoingDown ? rejection : undefined;
  }

  start(): void {
    if (this.#periods.length === 0) return;
    void this.#options.times?.load();
    void this.#begin();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#stopWatch?.();
    this.#lock?.release();
  }

  async #begin(): Promise<void> {
    const { port, onError } = this.#options;
    const wantedMs = shutdownSeconds(this.#periods) * 1000;
    try {
      const possibleMs = await port.prepare(wantedMs);
      if (possibleMs < wantedMs) {
        onError(
          "hold the machine's end up so long",
          new Error(`it waits ${possibleMs} ms of ${wantedMs} ms at the most`),
        );
      }
      this.#lock = await port.inhibit();
      if (this.#isStopped) return this.#lock.release();
      this.#stopWatch = port.watch(
        (isGoingDown) => void this.#changed(isGoingDown),
        (error) => this.#again(error),
      );
    } catch (error) {
      this.#again(error);
    }
  }

  #again(error: unknown): void {
    if (this.#isStopped) return;
    this.#options.onError("follow the machine's end", error);
    this.#stopWatch?.();
    this.#lock?.release();
    this.#lock = undefined;
    this.#cancel = this.#options.clock.after(retryMs, () => void this.#begin());
  }

  async #changed(isGoingDown: boolean): Promise<void> {
    if (this.#isGoingDown === isGoingDown || this.#isStopped) return;
    this.#isGoingDown = isGoingDown;
    this.#options.onChange(isGoingDown);
    try {
      if (!isGoingDown) this.#lock ??= await this.#options.port.inhibit();
      else {
        void this.#options.times?.began(this.#options.clock.now());
        await this.#endPods();
        await this.#options.times?.ended(this.#options.clock.now());
      }
    } catch (error) {
      this.#options.onError("end pods before the machine goes down", error);
    }
    if (!this.#isGoingDown) return;
    this.#lock?.release();
    this.#lock = undefined;
  }

  async #endPods(): Promise<void> {
    for (const group of shutdownGroups(this.#periods, this.#options.pods())) {
      if (!this.#isGoingDown) return;
      for (const one of group.pods) one.evict(failure, graceOf(one.pod, group));
      await this.#ended(group.pods, group.graceSeconds * 1000);
    }
  }

  /** Or their time is over: the machine does not wait for those that hang. */
  async #ended(pods: readonly Evictable[], timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.now() + timeoutMs;
    while (!this.#isStopped && clock.now() < deadlineMs && !pods.every((one) => one.hasEnded)) {
      await new Promise<void>((resolve) => clock.after(lookMs, resolve));
    }
  }
}
