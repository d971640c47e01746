/** What the runtime tells by itself: CRI's events where it has them, containerd's own otherwise. */
import { FairleadError } from "../errors/catalogue.ts";
import type { Clock } from "../reconcile/clock.ts";
import { watchContainerdTasks } from "./cri/containerd_events.ts";
import type { NodeMetrics } from "./node/metrics.ts";
import type { ContainerEventObserver, RuntimeService } from "./cri/runtime.ts";

export interface RuntimeEventsOptions {
  readonly runtime: RuntimeService;
  /** "containerd", "cri-o" */
  readonly runtimeName: string;
  readonly endpoint: string;
  readonly clock: Clock;
  readonly onContainer: (id: string) => void;
  /** The stream was broken and is there again: what happened in between was not heard. */
  readonly onGap: () => void;
  readonly metrics?: Pick<NodeMetrics, "eventsConnected" | "eventsFailed" | "eventHeard">;
  readonly onError: (error: unknown) => void;
}

const retryMs = 500;

export class RuntimeEvents {
  readonly #options: RuntimeEventsOptions;
  #stop: () => void = () => undefined;
  #isStopped = false;
  #hasCriEvents = true;

  constructor(options: RuntimeEventsOptions) {
    this.#options = options;
  }

  /** Whether this runtime tells at all. */
  static tells(runtimeName: string): boolean {
    // Of others it is known only once they were asked; until then they are looked at.
    return runtimeName === "containerd";
  }

  start(): void {
    const { runtime, runtimeName, endpoint, onContainer, metrics, clock } = this.#options;
    const observer: ContainerEventObserver = {
      onEvent({ containerId, atMs }) {
        if (atMs !== undefined) metrics?.eventHeard(Math.max(0, clock.now() - atMs) / 1000);
        onContainer(containerId);
      },
      onEnd: (error) => this.#again(error),
    };
    const usesContainerd = runtimeName === "containerd";
    if (!usesContainerd && !this.#hasCriEvents) return;
    metrics?.eventsConnected();
    this.#stop = usesContainerd ? watchContainerdTasks(endpoint, observer) : runtime.watchContainers(observer);
  }

  stop(): void {
    this.#isStopped = true;
    this.#stop();
  }

  #again(error: unknown): void {
    if (this.#isStopped) return;
    if (error instanceof FairleadError && error.code === "CRI_UNIMPLEMENTED") {
      this.#hasCriEvents = false;
      return;
    }
    this.#options.metrics?.eventsFailed();
    this.#options.onError(error);
    const cancel = this.#options.clock.after(retryMs, () => {
      this.start();
      this.#options.onGap();
    });
    this.#stop = cancel;
  }
}
