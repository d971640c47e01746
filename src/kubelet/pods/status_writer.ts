/** A pod's status on its way to the API: the newest alone, one write at a time, apart from all that concerns the runtime. */
import { isDeepStrictEqual } from "node:util";
import { keyOf, type Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isBadRequest, isConflict, isInvalid, isNotFound } from "../../api/status_error.ts";
import type { Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { PodStatus } from "./status/input.ts";
import { statusPatch } from "./status/patch.ts";

const firstRetryMs = 200;
const longestRetryMs = 10_000;

export interface StatusObserver {
  onError(error: unknown): void;
  /** So long after it was put; of several that came meanwhile, after the first. */
  onWritten(seconds: number): void;
}

export class StatusWriter {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #observer: StatusObserver;
  readonly #idle: (() => void)[] = [];
  #next: { readonly pod: Pod; readonly status: PodStatus } | undefined;
  #written: { readonly uid: string; readonly status: PodStatus } | undefined;
  #mirrored: { readonly uid: string; readonly status: PodStatus } | undefined;
  #isWriting = false;
  #isGone = false;
  #cancelRetry: (() => void) | undefined;
  #failures = 0;
  /** When the first was put of what is not written yet. */
  #putAtMs: number | undefined;

  constructor(client: Client, clock: Clock, observer: StatusObserver) {
    this.#client = client;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** @param before the status that is there, so that what did not change is not written */
  put(pod: Pod, status: PodStatus, before: PodStatus | undefined): boolean {
    if (this.#isGone || isSame(status, before)) return false;
    this.#next = { pod, status };
    this.#putAtMs ??= this.#clock.now();
    if (!this.#isWriting) void this.#write();
    return true;
  }

  /** A static pod's status is its mirror's; where there is none, nobody sees it. */
  putMirror(mirror: Pod | undefined, status: PodStatus): void {
    if (!mirror) return;
    const { uid } = mirror.metadata;
    const before = this.#mirrored?.uid === uid ? this.#mirrored.status : mirror.status;
    if (this.put(mirror, status, before)) this.#mirrored = { uid, status };
  }

  /**
   * Resolves when all that was put is written, or the pod is gone, or the API will not have it: then it stays unwritten,
   * and what waits goes on.
   */
  async flushed(): Promise<void> {
    if (!this.#isWriting && !this.#next) return;
    const done = new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#cancelRetry?.();
    await done;
  }

  stop(): void {
    this.#isGone = true;
    this.#next = undefined;
    this.#cancelRetry?.();
    this.#settle();
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#next) {
      const { pod, status } = this.#next;
      const putAtMs = this.#putAtMs ?? this.#clock.now();
      this.#next = undefined;
      this.#putAtMs = undefined;
      try {
        const { uid } = pod.metadata;
        const there = this.#written?.uid === uid ? { ...pod.status, ...this.#written.status } : pod.status;
        const body = { metadata: { uid }, status: statusPatch(status, there) };
        await this.#client.patch(
          resourceTypes.pods,
          keyOf(pod),
          { type: "strategic", body },
          { subresource: "status" },
        );
        this.#written = { uid, status };
        this.#failures = 0;
        this.#observer.onWritten((this.#clock.now() - putAtMs) / 1000);
      } catch (error) {
        // There is nobody to tell; but there may be by now.
        if (isNotFound(error) || isAnother(error)) continue;
        this.#observer.onError(error);
        this.#putAtMs = putAtMs;
        const isNewest = !this.#next;
        this.#next ??= { pod, status };
        if (isNewest && isRefusal(error)) this.#tell();
        await this.#pause();
      }
    }
    this.#isWriting = false;
    this.#settle();
  }

  #pause(): Promise<void> {
    const ms = Math.min(longestRetryMs, firstRetryMs * 2 ** this.#failures++);
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#cancelRetry = undefined;
        resolve();
      };
      const cancel = this.#clock.after(ms, done);
      this.#cancelRetry = done;
    });
  }

  #settle(): void {
    if (!this.#next) this.#tell();
  }

  #tell(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The same again would be refused again. */
function isRefusal(error: unknown): boolean {
  return isInvalid(error) || isBadRequest(error);
}

/** Another pod has the name. A conflict of any other kind is one of writers, and the next try may come first. */
function isAnother(error: unknown): boolean {
  return isConflict(error) && (error as Error).message.includes("UID in precondition");
}

function isSame(status: PodStatus, before: PodStatus | undefined): boolean {
  if (!before) return false;
  const keys = Object.keys(status) as (keyof PodStatus)[];
  return keys.every((key) => isDeepStrictEqual(plain(status[key]), plain(before[key])));
}

/** As it is in JSON: nothing is undefined there, and a null is as good as nothing. */
function plain(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  const entries = Object.entries(value).map(([key, field]) => [key, plain(field)] as const);
  const kept = entries.filter(([, field]) => field !== undefined);
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}
